"""Conditions over columns, such as ``arr_delay > 15 and not diverted``: parsed, checked, never eval'ed."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from homeostat.data.checks import did_you_mean
from homeostat.data.row_conditions import compile_for_rows
from homeostat.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from homeostat.data.contracts import Column, Row
    from homeostat.data.rules import Contracted

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
_KINDS = {"number": "number", "integer": "number", "boolean": "truth", "text": "text", "instant": "instant"}
_HELP = "Use column names, numbers, 'texts', + - * /, comparisons, and, or, not: such as \"arr_delay > 15\"."


@dataclass(frozen=True)
class Condition:
    """A checked condition: which columns it reads, and how to evaluate it on one row or on many at once.

    It is unknown where any column that it reads is missing. Numbers compare as 64-bit floats, instants to the
    microsecond; the difference of two instants is in seconds. ``kinds`` are those of the columns that it reads.
    """

    text: str
    columns: tuple[str, ...]
    kinds: Mapping[str, str]
    tree: ast.expr

    def for_rows(self, nullable: Collection[str] | None = None) -> Callable[[Row], bool | None]:
        """The condition compiled for one parsed row after the other; None is unknown.

        ``nullable`` are the columns that may be null, all of them unless said.
        """
        return compile_for_rows(self.tree, self.kinds, self.columns if nullable is None else nullable)

    def evaluate(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """1.0, 0.0, or NaN where any column that it reads is missing (None or NaN); float64."""
        used = {name: np.asarray(columns[name]) for name in self.columns}
        missing = np.logical_or.reduce([_missing(values) for values in used.values()])
        with np.errstate(divide="ignore", invalid="ignore"):
            held = _value(self.tree, {name: _filled(values) for name, values in used.items()})
        return np.where(missing, np.nan, np.asarray(held, dtype=np.float64))


def compile_condition(text: str, table: Contracted, *, instants: bool = False) -> Condition:
    """Parse a condition over a table's columns; features and labels read no ``instants``.

    Raises: InvalidInput naming the part that is wrong: syntax, an unknown column, kinds that do not go
    together, anything but columns, constants, arithmetic, comparisons, and/or/not.
    """
    kind, found = compile_value(text, table, instants=instants)
    if kind != "truth":
        raise InvalidInput(f"Condition {text!r} is a {kind}, not true or false.", mend="Compare it: '> 15'.")
    return found


def compile_value(text: str, table: Contracted, *, instants: bool = False) -> tuple[str, Condition]:
    """The same for what need be no condition: its kind ("truth", "number", "text", "instant") and how it is evaluated.

    A text is a column itself, whose values `places_of` reads. Raises: as `compile_condition`.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidInput(f"Condition {text!r} cannot be read.", mend=_HELP) from error
    asked = _Asked(text, table, instants)
    kind = _kind(tree, asked)
    names = dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    if not names:
        raise InvalidInput(f"Condition {text!r} reads no column.", mend=did_you_mean("", table.contract))
    kinds = {name: table.contract[name].kind for name in names}
    return kind, Condition(text, tuple(names), kinds, tree)


def places_of(values: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """The place of each text among the classes, NaN for what is missing or none of them (float64).

    >>> places_of(np.array(["b", None, "z"], dtype=object), ["a", "b"]).tolist()
    [1.0, nan, nan]
    """
    place = {name: float(number) for number, name in enumerate(classes)}
    return np.array([place.get(value, np.nan) for value in values.tolist()], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is being parsed, for messages."""

    text: str
    table: Contracted
    instants: bool


def _kind(node: ast.expr, asked: _Asked) -> str:
    match node:
        case ast.Name(id=name):
            return _kind_of_column(name, asked)
        case ast.Constant(value=value) if isinstance(value, (bool, int, float, str)):
            return _kind_of_constant(value, asked)
        case ast.BoolOp(values=values):
            return _all(values, "truth", asked)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _all([operand], "truth", asked)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _all([operand], "number", asked)
        case ast.BinOp(left=ast.Name() as left, op=ast.Sub(), right=right) if _kind(left, asked) == "instant":
            _all([right], "instant", asked)
            return "number"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _all([left, right], "number", asked)
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _comparison([left, *others], ops, asked)
    return _refuse(node, asked)


def _kind_of_column(name: str, asked: _Asked) -> str:
    column: Column | None = asked.table.contract.get(name)
    if column is None:
        problem = f"A condition names {name!r}, which table {asked.table.name!r} lacks."
        raise InvalidInput(problem, mend=did_you_mean(name, asked.table.contract))
    if column.kind == "instant" and not asked.instants:
        raise InvalidInput(f"A condition names the instant {name!r}.", mend="Compare other kinds.")
    return _KINDS[column.kind]


def _kind_of_constant(value: bool | int | float | str, asked: _Asked) -> str:
    if isinstance(value, (bool, str)):
        return "truth" if isinstance(value, bool) else "text"
    if abs(value) > 1e300:
        raise InvalidInput(f"In {asked.text!r} a number is too large.", mend="Use numbers below 1e300.")
    return "number"


def _all(nodes: list[ast.expr], kind: str, asked: _Asked) -> str:
    for node in nodes:
        found = _kind(node, asked)
        if found != kind:
            part = ast.unparse(node)
            problem = f"In {asked.text!r}, {part!r} is a {found} where a {kind} is needed."
            raise InvalidInput(problem, mend=_HELP)
    return kind


def _comparison(nodes: list[ast.expr], ops: list[ast.cmpop], asked: _Asked) -> str:
    kinds = {_kind(node, asked) for node in nodes}
    if len(kinds) > 1:
        both = " with a ".join(sorted(kinds))
        raise InvalidInput(f"{asked.text!r} compares a {both}.", mend="Compare like with like.")
    for op in ops:
        if type(op) not in _EQUALITY and (type(op) not in _ORDER or not kinds <= {"number", "instant"}):
            raise InvalidInput(f"{asked.text!r} compares in a way that is not defined.", mend=_HELP)
    return "truth"


def _refuse(node: ast.expr, asked: _Asked) -> NoReturn:
    raise InvalidInput(f"In {asked.text!r}, {ast.unparse(node)!r} is not allowed.", mend=_HELP)


def _missing(values: np.ndarray) -> np.ndarray:
    if values.dtype == object:
        return np.array([value is None or value != value for value in values], dtype=bool)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)


def _filled(values: np.ndarray) -> np.ndarray:
    """Columns as they compare: numbers, and truths among nulls, as floats; texts as they are."""
    if values.dtype.kind in "iu":
        return values.astype(np.float64)
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
