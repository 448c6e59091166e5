"""A checked condition compiled for one row after the other: closures, no code is ever evaluated."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homeostat.data.contracts import Row

_Part = Callable[["Row"], Any]


def _divide(left: float, right: float) -> float:
    """Division as IEEE 754 has it: by zero it is infinite, 0/0 is no number."""
    if right:
        return left / right
    if not left or left != left or right != right:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
}
_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def compile_for_rows(
    tree: ast.expr, kinds: Mapping[str, str], nullable: Collection[str]
) -> Callable[[Row], bool | None]:
    """Whether the condition holds for a parsed row; None where a ``nullable`` column that it reads is null.

    >>> holds = compile_for_rows(ast.parse("a / 2 > 1", mode="eval").body, {"a": "number"}, {"a"})
    >>> holds({"a": 3.0}), holds({"a": None})
    (True, None)
    """
    names = tuple(name for name in kinds if name in nullable)
    holds: Callable[[Row], bool] = _part(tree, kinds)
    if not names:
        return holds

    def of_row(row: Row) -> bool | None:
        for name in names:
            if row[name] is None:
                return None
        return holds(row)

    return of_row


def _part(node: ast.expr, kinds: Mapping[str, str]) -> _Part:
    match node:
        case ast.Name(id=name):
            return _column(name, kinds[name])
        case ast.Constant():
            fixed = _constant(node)
            return lambda row: fixed
        case ast.BoolOp(op=op, values=values):
            return _joined(isinstance(op, ast.Or), [_part(item, kinds) for item in values])
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            truth = _part(operand, kinds)
            return lambda row: not truth(row)
        case ast.UnaryOp(operand=operand):
            positive = _part(operand, kinds)
            return lambda row: -positive(row)
        case ast.BinOp(left=ast.Name(id=name), right=right) if kinds[name] == "instant":
            begin, end = _column(name, "instant"), _part(right, kinds)
            return lambda row: (begin(row) - end(row)) / 1e6
        case ast.BinOp(left=left, op=operation, right=ast.Constant() as right):
            return _with_constant(_BINARY[type(operation)], _part(left, kinds), right)
        case ast.BinOp(left=left, op=operation, right=right):
            return _binary(_BINARY[type(operation)], _part(left, kinds), _part(right, kinds))
        case ast.Compare(left=left, ops=[compare], comparators=[ast.Constant() as right]):
            return _with_constant(_COMPARE[type(compare)], _part(left, kinds), right)
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _chain([_part(item, kinds) for item in (left, *others)], [_COMPARE[type(op)] for op in ops])
    raise AssertionError(ast.dump(node))


def _column(name: str, kind: str) -> _Part:
    if kind == "integer":
        return lambda row: float(row[name])  # type: ignore[arg-type]
    return operator.itemgetter(name)


def _binary(join: Callable[[Any, Any], Any], left: _Part, right: _Part) -> _Part:
    return lambda row: join(left(row), right(row))


def _with_constant(join: Callable[[Any, Any], Any], left: _Part, node: ast.Constant) -> _Part:
    fixed = _constant(node)
    return lambda row: join(left(row), fixed)


def _constant(node: ast.Constant) -> bool | str | float:
    return node.value if isinstance(node.value, (bool, str)) else float(node.value)  # type: ignore[arg-type]


def _joined(enough: bool, parts: list[_Part]) -> _Part:
    """``or`` is decided by the first truth, ``and`` by the first untruth."""

    def holds(row: Row) -> bool:
        return enough if any(part(row) is enough for part in parts) else not enough

    return holds


def _chain(parts: list[_Part], compare: list[Callable[[Any, Any], bool]]) -> _Part:
    if len(compare) == 1:
        return _binary(compare[0], *parts)

    def holds(row: Row) -> bool:
        values = [part(row) for part in parts]
        return all(one(a, b) for one, a, b in zip(compare, values, values[1:], strict=False))

    return holds
