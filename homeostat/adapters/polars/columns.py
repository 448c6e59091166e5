"""One column of a batch: its values in their stored kind, and which rows break which of its promises."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from homeostat.data.batches import Promise
from homeostat.data.checks import MAX_TEXT, Fault, parser_of
from homeostat.data.contracts import Column, Measure, Value
from homeostat.data.patterns import compile_pattern
from homeostat.kernel.clock import EARLIEST, LATEST

INSTANT = pl.Datetime("us", "UTC")
TYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "boolean": pl.Boolean(),
    "instant": INSTANT,
}
_INT64 = (-(2**63), 2**63 - 1)
Promised = tuple[Promise, pl.Expr]


@dataclass(frozen=True, slots=True)
class Looked:
    """A column as an expression for its stored values, and its promises with expressions for their broken rows."""

    values: pl.Expr
    promised: list[Promised]


def look(name: str, column: Column, given: pl.DataType | None) -> Looked:
    """How to look at a column of the ``given`` type; None is a column that the batch lacks."""
    found = _Looking(name, column)
    if given is None:
        every = pl.repeat(not column.nullable, pl.len(), dtype=pl.Boolean)
        nothing = pl.repeat(None, pl.len(), dtype=TYPES[column.kind])
        return Looked(nothing, [(found.promise("missing_column", found.hard, "is sent"), every)])
    values, promised = found.read(given)
    if not column.nullable:
        promised.insert(0, (found.promise("null_not_allowed", found.hard, "is not null"), pl.col(name).is_null()))
    return Looked(values, [(promise, mask.fill_null(False)) for promise, mask in promised])


def instants(name: str, column: Column, texts: pl.Series) -> tuple[pl.Series, list[tuple[Promise, pl.Series]]]:
    """Texts, as a CSV file holds them, read as instants by the very parser of one request; unreadable ones are null."""
    parse = parser_of(column)
    values: list[Value] = []
    reasons: list[str] = []
    for text in texts:
        try:
            values.append(parse(text))
            reasons.append("")
        except Fault as fault:
            values.append(None)
            reasons.append(fault.reason)
    looking, told = _Looking(name, column), pl.Series(reasons, dtype=pl.String)
    read = pl.Series(name, values, dtype=pl.Int64).cast(INSTANT)
    said = {"null_not_allowed": "is not null", "wrong_type": "is a time", "no_offset": "has an offset"}
    return read, [(looking.promise(reason, looking.hard, text), told == reason) for reason, text in said.items()]


@dataclass(frozen=True, slots=True)
class _Looking:
    name: str
    column: Column

    @property
    def hard(self) -> Measure:
        """What follows a value that cannot be taken in whatever is promised."""
        return "reject" if self.column.verdict == "reject" else "quarantine"

    def promise(self, reason: str, verdict: Measure, text: str) -> Promise:
        return Promise(self.name, reason, verdict, f"{self.name} {text}")

    def read(self, given: pl.DataType) -> tuple[pl.Expr, list[Promised]]:
        kind = self.column.kind
        if kind == "text" and given in (pl.String, pl.Categorical, pl.Enum):
            return self._texts()
        if kind == "number" and given.is_numeric():
            return self._numbers()
        if kind == "integer" and given.is_numeric():
            return self._integers(given)
        if kind == "boolean" and given == pl.Boolean:
            return pl.col(self.name), []
        if kind == "instant" and isinstance(given, pl.Datetime) and given.time_zone is not None:
            return self._instants()
        naive = kind == "instant" and given in (pl.Datetime, pl.Date)
        reason, text = ("no_offset", "has an offset") if naive else ("wrong_type", f"is of kind {kind}")
        wrong = (self.promise(reason, self.hard, text), pl.col(self.name).is_not_null())
        return pl.lit(None, dtype=TYPES[kind]), [wrong]

    def _texts(self) -> tuple[pl.Expr, list[Promised]]:
        own, column = pl.col(self.name).cast(pl.String), self.column
        long = (own.str.len_bytes() > MAX_TEXT) & (own.str.len_chars() > MAX_TEXT)
        found = [(self.promise("too_long", self.hard, f"has at most {MAX_TEXT} characters"), long)]
        earlier = long
        if column.matches is not None:
            other = ~own.str.contains(compile_pattern(column.matches).portable)
            found.append((self.promise("no_match", column.verdict, f"matches {column.matches!r}"), other & ~earlier))
            earlier = earlier | other
        if column.categories is not None:
            new = ~own.is_in(list(column.categories)) & ~earlier
            reason, verdict = ("new_category", "warn") if column.open else ("not_a_category", column.verdict)
            found.append((self.promise(reason, verdict, "is one of its categories"), new))  # type: ignore[arg-type]
        return own, found

    def _numbers(self) -> tuple[pl.Expr, list[Promised]]:
        own, column = pl.col(self.name).cast(pl.Float64) + 0.0, self.column
        finite = own.is_finite()
        found = [(self.promise("not_finite", self.hard, "is finite"), ~finite)]
        if column.low is not None:
            found.append((self._least(column.low), finite & (own < float(column.low))))
        if column.high is not None:
            found.append((self._most(column.high), finite & (own > float(column.high))))
        return own, found

    def _integers(self, given: pl.DataType) -> tuple[pl.Expr, list[Promised]]:
        own = pl.col(self.name)
        whole = own.is_finite() & (own == own.floor()) if given.is_float() else own.is_not_null()
        read = pl.when(whole).then(own).cast(pl.Int64, strict=False) if given != pl.Int64 else own
        found = [] if given.is_integer() else [(self.promise("wrong_type", self.hard, "is a whole number"), ~whole)]
        if given not in (pl.Int8, pl.Int16, pl.Int32, pl.Int64):
            lost = whole & read.is_null() & own.is_not_null()
            found.append((self._least(_INT64[0], self.hard), lost & (own < 0)))
            found.append((self._most(_INT64[1], self.hard), lost & (own > 0)))
        return read, [*found, *self._integer_bounds(read)]

    def _integer_bounds(self, read: pl.Expr) -> Iterator[Promised]:
        """Bounds as whole numbers: a 64-bit value is not rounded to compare it."""
        low, high = self.column.low, self.column.high
        if low is not None and (least := math.ceil(low)) > _INT64[0]:
            below = read < pl.lit(least, pl.Int64) if least <= _INT64[1] else read.is_not_null()
            yield self._least(low), below
        if high is not None and (most := math.floor(high)) < _INT64[1]:
            yield self._most(high), read > pl.lit(most, pl.Int64) if most >= _INT64[0] else read.is_not_null()

    def _instants(self) -> tuple[pl.Expr, list[Promised]]:
        own = pl.col(self.name).dt.cast_time_unit("us").dt.convert_time_zone("UTC")
        within = own.cast(pl.Int64).is_between(EARLIEST, LATEST)
        return pl.when(within).then(own), [
            (self.promise("no_such_year", self.hard, "lies in the years 1 to 9999"), ~within)
        ]

    def _least(self, bound: float, verdict: Measure | None = None) -> Promise:
        return self.promise("below_minimum", verdict or self.column.verdict, f"is at least {bound}")

    def _most(self, bound: float, verdict: Measure | None = None) -> Promise:
        return self.promise("above_maximum", verdict or self.column.verdict, f"is at most {bound}")
