"""A checked condition as an expression of Polars, with the meaning that it has for one row."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

import polars as pl

from homeostat.data.expressions import Condition

_BINARY: dict[type, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def broken(condition: Condition) -> pl.Expr:
    """True where the condition is known not to hold; never null."""
    known = pl.all_horizontal(pl.col(name).is_not_null() for name in condition.columns)
    return (known & ~_part(condition.tree, condition)).fill_null(False)


def _part(node: ast.expr, condition: Condition) -> pl.Expr:
    match node:
        case ast.Name(id=name):
            return _column(name, condition)
        case ast.Constant(value=value):
            return pl.lit(value if isinstance(value, (bool, str)) else float(value))  # type: ignore[arg-type]
        case ast.BoolOp(op=op, values=values):
            join = pl.all_horizontal if isinstance(op, ast.And) else pl.any_horizontal
            return join(_part(item, condition) for item in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ~_part(operand, condition)
        case ast.UnaryOp(operand=operand):
            return -_part(operand, condition)
        case ast.BinOp(left=ast.Name(id=name) as left, right=right) if condition.kinds[name] == "instant":
            return (_part(left, condition) - _part(right, condition)).cast(pl.Float64) / 1e6
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_part(left, condition), _part(right, condition))
        case ast.Compare(left=left, ops=ops, comparators=others):
            nodes = [left, *others]
            pairs = [_compare(op, a, b, condition) for op, a, b in zip(ops, nodes, nodes[1:], strict=False)]
            return pl.all_horizontal(pairs)
    raise AssertionError(ast.dump(node))


def _column(name: str, condition: Condition) -> pl.Expr:
    kind = condition.kinds[name]
    if kind in ("number", "integer"):
        return pl.col(name).cast(pl.Float64)
    return pl.col(name).cast(pl.Int64) if kind == "instant" else pl.col(name)


def _compare(op: ast.cmpop, left: ast.expr, right: ast.expr, condition: Condition) -> pl.Expr:
    """A comparison as IEEE 754 has it: what is no number equals nothing, and is neither less nor more."""
    a, b = _part(left, condition), _part(right, condition)
    found: pl.Expr = _COMPARE[type(op)](a, b)
    unsure = [part for node, part in ((left, a), (right, b)) if isinstance(node, (ast.BinOp, ast.UnaryOp))]
    for part in unsure if not _true_or_false(left) else []:
        found = (found | part.is_nan()) if isinstance(op, ast.NotEq) else (found & part.is_not_nan())
    return found


def _true_or_false(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
