"""Conditions over columns, such as ``arr_delay > 15 and not diverted``: parsed, checked, never eval'ed."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Column
from homeostat.data.tables import Table
from homeostat.kernel.errors import InvalidInput

_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_ORDER: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_EQUALITY: dict[type, Callable[[Any, Any], Any]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
_KINDS = {"number": "number", "integer": "number", "boolean": "truth", "text": "text"}
_HELP = "Use column names, numbers, 'texts', + - * /, comparisons, and, or, not: such as \"arr_delay > 15\"."


@dataclass(frozen=True)
class Condition:
    """A checked condition: which columns it reads, and how to evaluate it on many rows at once."""

    text: str
    columns: tuple[str, ...]
    _tree: ast.expr

    def evaluate(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """1.0, 0.0, or NaN where any column that it reads is missing (None or NaN); float64."""
        used = {name: np.asarray(columns[name]) for name in self.columns}
        missing = np.logical_or.reduce([_missing(values) for values in used.values()])
        with np.errstate(divide="ignore", invalid="ignore"):
            held = _value(self._tree, {name: _filled(values) for name, values in used.items()})
        return np.where(missing, np.nan, np.asarray(held, dtype=np.float64))


def compile_condition(text: str, table: Table) -> Condition:
    """Parse a condition over a table's columns.

    Raises: InvalidInput naming the part that is wrong: syntax, an unknown column, kinds that do not go
    together, anything but columns, constants, arithmetic, comparisons, and/or/not.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidInput(f"Condition {text!r} cannot be read.", mend=_HELP) from error
    kind = _kind(tree, table, text)
    if kind != "truth":
        raise InvalidInput(f"Condition {text!r} is a {kind}, not true or false.", mend="Compare it: '> 15'.")
    names = dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    if not names:
        raise InvalidInput(f"Condition {text!r} reads no column.", mend=did_you_mean("", table.contract))
    return Condition(text, tuple(names), tree)


def _kind(node: ast.expr, table: Table, text: str) -> str:
    match node:
        case ast.Name(id=name):
            return _kind_of_column(name, table)
        case ast.Constant(value=value) if isinstance(value, (bool, int, float, str)):
            return _kind_of_constant(value, text)
        case ast.BoolOp(values=values):
            return _all(values, "truth", table, text)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _all([operand], "truth", table, text)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _all([operand], "number", table, text)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _all([left, right], "number", table, text)
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _comparison([left, *others], ops, table, text)
    return _refuse(node, text)


def _kind_of_column(name: str, table: Table) -> str:
    column: Column | None = table.contract.get(name)
    if column is None:
        problem = f"A condition names {name!r}, which table {table.name!r} lacks."
        raise InvalidInput(problem, mend=did_you_mean(name, table.contract))
    if column.kind == "instant":
        raise InvalidInput(f"A condition names the instant {name!r}.", mend="Compare other kinds.")
    return _KINDS[column.kind]


def _kind_of_constant(value: bool | int | float | str, text: str) -> str:
    if isinstance(value, (bool, str)):
        return "truth" if isinstance(value, bool) else "text"
    if abs(value) > 1e300:
        raise InvalidInput(f"In {text!r} a number is too large.", mend="Use numbers below 1e300.")
    return "number"


def _all(nodes: list[ast.expr], kind: str, table: Table, text: str) -> str:
    for node in nodes:
        found = _kind(node, table, text)
        if found != kind:
            part = ast.unparse(node)
            raise InvalidInput(f"In {text!r}, {part!r} is a {found} where a {kind} is needed.", mend=_HELP)
    return kind


def _comparison(nodes: list[ast.expr], ops: list[ast.cmpop], table: Table, text: str) -> str:
    kinds = {_kind(node, table, text) for node in nodes}
    if len(kinds) > 1:
        both = " with a ".join(sorted(kinds))
        raise InvalidInput(f"{text!r} compares a {both}.", mend="Compare like with like.")
    for op in ops:
        if type(op) not in _EQUALITY and (type(op) not in _ORDER or kinds != {"number"}):
            raise InvalidInput(f"{text!r} compares in a way that is not defined.", mend=_HELP)
    return "truth"


def _refuse(node: ast.expr, text: str) -> NoReturn:
    raise InvalidInput(f"In {text!r}, {ast.unparse(node)!r} is not allowed.", mend=_HELP)


def _missing(values: np.ndarray) -> np.ndarray:
    if values.dtype == object:
        return np.array([value is None or value != value for value in values], dtype=bool)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)


def _filled(values: np.ndarray) -> np.ndarray:
    """Object columns as they compare best: numbers and truths as floats, texts as they are."""
    if values.dtype != object or any(isinstance(value, str) for value in values):
        return values
    return np.array([np.nan if value is None else float(value) for value in values])


def _value(node: ast.expr, columns: Mapping[str, np.ndarray]) -> Any:
    match node:
        case ast.Name(id=name):
            return columns[name]
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value if isinstance(value, (bool, str)) else np.float64(value)  # its 1/0 is inf, no error
        case ast.BoolOp(op=op, values=values):
            join = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return join.reduce(np.broadcast_arrays(*(_value(item, columns) for item in values)))
        case ast.UnaryOp(op=op, operand=operand):
            held = _value(operand, columns)
            return np.logical_not(held) if isinstance(op, ast.Not) else -held
        case ast.BinOp(left=left, op=op, right=right):
            return _ARITHMETIC[type(op)](_value(left, columns), _value(right, columns))
        case ast.Compare(left=left, ops=ops, comparators=others):
            values = [_value(item, columns) for item in (left, *others)]
            compare = {**_ORDER, **_EQUALITY}
            pairs = [compare[type(op)](a, b) for op, a, b in zip(ops, values, values[1:], strict=False)]
            return np.logical_and.reduce(np.broadcast_arrays(*pairs))
    raise AssertionError(ast.dump(node))
