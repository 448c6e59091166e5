"""What a row promises, and the check of it, compiled once and fast enough for every request."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from homeostat.data.checks import Fault, Parser, did_you_mean, parser_of, shown
from homeostat.kernel.errors import InvalidInput

Kind = Literal["text", "number", "integer", "boolean", "instant"]
Value = str | float | int | bool | None
Row = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Column:
    """One promise: a kind, whether null is allowed, and bounds (both inclusive) or categories.

    Raises: InvalidInput when bounds or categories do not fit the kind or contradict each other.
    """

    kind: Kind
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        bounded = self.low is not None or self.high is not None
        if bounded and self.kind not in ("number", "integer"):
            raise InvalidInput(f"A {self.kind} column has no bounds.", mend="Bound numbers only.")
        if any(bound is not None and not math.isfinite(bound) for bound in (self.low, self.high)):
            raise InvalidInput("A bound is not finite.", mend="Leave out a bound that does not bind.")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InvalidInput(f"low {self.low} is above high {self.high}.", mend="Swap them.")
        if self.categories is not None and (self.kind != "text" or not self.categories):
            mend = "Name them on a text column, or leave it out."
            raise InvalidInput("Categories are one or more texts of a text column.", mend=mend)


def text(*, categories: Iterable[str] | None = None, nullable: bool = False) -> Column:
    """A text of at most 65,536 characters, optionally one of ``categories``."""
    return Column("text", nullable, categories=None if categories is None else tuple(categories))


def number(low: float | None = None, high: float | None = None, *, nullable: bool = False) -> Column:
    """A finite number within ``[low, high]``."""
    return Column("number", nullable, low, high)


def integer(low: float | None = None, high: float | None = None, *, nullable: bool = False) -> Column:
    """A whole number of 64 bits within ``[low, high]``; ``3.0`` reads as 3."""
    return Column("integer", nullable, low, high)


def boolean(*, nullable: bool = False) -> Column:
    """``true`` or ``false``; 0 and 1 are refused."""
    return Column("boolean", nullable)


def instant(*, nullable: bool = False) -> Column:
    """A moment, sent as ISO-8601 with its offset and kept as microseconds."""
    return Column("instant", nullable)


@dataclass(frozen=True, slots=True)
class Break:
    """One broken promise: where, a stable ``reason`` to program against, and sentences for people."""

    row: int
    column: str | None
    reason: str
    problem: str
    mend: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Rows that keep the contract, parsed; ``kept`` are their indices in the input."""

    rows: list[Row]
    kept: list[int]
    breaks: list[Break]


def compile_contract(columns: Mapping[str, Column]) -> Callable[[Sequence[object]], Checked]:
    """Check thousands of rows in milliseconds, and say of each broken one everything that is wrong.

    Parsed rows hold every column: instants as microseconds, numbers as float, a missing key of a nullable
    column as None. A row with any break is not kept.

    >>> check = compile_contract({"carrier": text(), "delay": number(nullable=True)})
    >>> check([{"carrier": "UA"}]).rows
    [{'carrier': 'UA', 'delay': None}]
    >>> check([{"carrier": 7}]).breaks[0].reason
    'wrong_type'
    """
    parsers = [(name, parser_of(column)) for name, column in columns.items()]
    known = columns.keys()

    def check(rows: Sequence[object]) -> Checked:
        good: list[Row] = []
        kept: list[int] = []
        breaks: list[Break] = []
        for index, row in enumerate(rows):
            try:
                if not isinstance(row, dict) or not row.keys() <= known:
                    raise Fault
                get = row.get
                good.append({name: parse(get(name)) for name, parse in parsers})
                kept.append(index)
            except Fault:
                breaks.extend(_breaks_of(index, row, parsers))
        return Checked(good, kept, breaks)

    return check


def _breaks_of(index: int, row: object, parsers: Sequence[tuple[str, Parser]]) -> list[Break]:
    if not isinstance(row, dict):
        mend = "Send each row as an object that names its columns."
        return [Break(index, None, "not_an_object", f"The row is {shown(row)}, not an object.", mend)]
    columns = [name for name, _ in parsers]
    found = [
        Break(index, name, "unknown_column", f"No column {shown(name)} here.", did_you_mean(name, columns))
        for name in (str(key) for key in row)
        if name not in columns
    ]
    for name, parse in parsers:
        try:
            parse(row.get(name))
        except Fault as fault:
            found.append(_break(index, name, name in row, fault))
    return found


def _break(index: int, name: str, present: bool, fault: Fault) -> Break:
    if not present:
        mend = "Send it; it is required, and may not be null."
        return Break(index, name, "missing_column", f"Column {name!r} is missing.", mend)
    return Break(index, name, fault.reason, f"Column {name!r} {fault.problem}", fault.mend)
