"""One parser per kind of column: a value in, the parsed value out, or a fault that says why not."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from homeostat.data.patterns import compile_pattern
from homeostat.kernel.clock import EARLIEST, LATEST, from_datetime

if TYPE_CHECKING:
    from homeostat.data.contracts import Column, Measure, Value

Parser = Callable[[object], "Value"]
MAX_TEXT = 65_536
"""Characters in one text."""
_LONGEST_MEANT = 200
"""Characters of a name that is looked for among the known ones; what is longer is none of ours, mistyped."""
_INT64 = (-(2**63), 2**63 - 1)


class Fault(Exception):
    """Why one value breaks its promise; ``problem`` completes the sentence "Column 'x' ...".

    ``measure`` says what follows; with "warn" the row may be taken in with ``value``, as it was read.
    """

    def __init__(
        self,
        reason: str = "",
        problem: str = "",
        mend: str = "",
        measure: Measure = "quarantine",
        value: Value = None,
    ) -> None:
        super().__init__(reason)
        self.reason, self.problem, self.mend = reason, problem, mend
        self.measure, self.value = measure, value


def parser_of(column: Column) -> Parser:
    """The fastest check of one column; null and a missing key both reach it as None."""
    if column.verdict == "reject":
        return _strict(_parser_of(replace(column, verdict="quarantine")))
    return _parser_of(column)


def _strict(parse: Parser) -> Parser:
    """Whatever is wrong with the value, the whole request is refused; a warning stays one."""

    def strict(value: object) -> Value:
        try:
            return parse(value)
        except Fault as fault:
            if fault.measure != "warn":
                fault.measure = "reject"
            raise

    return strict


def _parser_of(column: Column) -> Parser:
    if column.kind == "text":
        return _text(column)
    if column.kind == "number":
        return _number(column)
    if column.kind == "integer":
        return _integer(column)
    return _boolean(column) if column.kind == "boolean" else _instant(column)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A closing half-sentence: the nearest known name, or all of them.

    >>> did_you_mean("carier", ["carrier", "dest"])
    "Did you mean 'carrier'? Known: carrier, dest."
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1) if len(name) <= _LONGEST_MEANT else []
    listed = known_names(names)
    return f"Did you mean {near[0]!r}? {listed}" if near else listed


def known_names(known: Iterable[str]) -> str:
    """All known names as a sentence; of very many the first ones.

    >>> known_names(["b", "a"])
    'Known: a, b.'
    """
    return f"Known: {_whole_names(sorted(known))}."


def _whole_names(names: list[str], most: int = 300) -> str:
    listed = ", ".join(names)
    if len(listed) <= most:
        return listed or "none"
    kept = listed[: most + 1].rpartition(", ")[0]
    return f"{kept or _cut(names[0], most)} and {len(names) - kept.count(', ') - 1} more"


def shown(value: object) -> str:
    """A value as a message shows it: its JSON-like form, cut to 60 characters."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        return "a value too long or too deep to show"
    return _cut(text, 60)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _null(column: Column, value: object, wanted: str) -> Value:
    """What is null, where it may be, and refused like anything else that is not ``wanted``."""
    if value is not None:
        raise _wrong(value, wanted)
    if column.nullable:
        return None
    raise Fault("null_not_allowed", "is null.", "Send a value; null means missing, forbidden here.")


def _wrong(value: object, wanted: str) -> Fault:
    return Fault("wrong_type", f"is {shown(value)}, not {wanted}.", f"Send {wanted}.")


def _text(column: Column) -> Parser:
    allowed = None if column.categories is None else frozenset(column.categories)
    pattern = None if column.matches is None else compile_pattern(column.matches)
    closed = allowed is not None and not column.open

    def parse(value: object) -> Value:
        if type(value) is not str:
            return _null(column, value, "a text")
        if closed and value in allowed:  # type: ignore[operator]
            return value
        if len(value) > MAX_TEXT:
            raise Fault("too_long", f"has {len(value)} characters.", f"Send at most {MAX_TEXT}.")
        if not value.isascii():
            _must_be_unicode(value)
        if pattern is not None and not pattern.matches(value):
            mend = f"Send a text that matches {pattern.text!r} as a whole."
            raise Fault("no_match", f"is {shown(value)}.", mend, column.verdict, value)
        if allowed is not None and value not in allowed:
            raise _not_among(column, value, allowed)
        return value

    return parse


def _not_among(column: Column, value: str, allowed: Iterable[str]) -> Fault:
    if column.open:
        mend = "Declare it if it is meant: " + did_you_mean(value, allowed)
        return Fault("new_category", f"is {shown(value)}, a new category.", mend, "warn", value)
    return Fault("not_a_category", f"is {shown(value)}.", did_you_mean(value, allowed), column.verdict, value)


def _must_be_unicode(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Fault("wrong_type", "holds half of a surrogate pair.", "Send valid Unicode.") from error


def _number(column: Column) -> Parser:
    low, high = _bounds(column, -math.inf, math.inf)

    def parse(value: object) -> Value:
        if value is None:
            return _null(column, value, "a number")
        if type(value) is not float:
            value = _float_of(value)
        if low <= value <= high and -math.inf < value < math.inf:
            return value + 0.0
        raise _outside(column, value, low, high)

    return parse


def _float_of(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(value, "a number")
    try:
        return float(value)
    except OverflowError as error:
        raise Fault("not_finite", "is too large for a number.", "Send a number below 1.8e308.") from error


def _integer(column: Column) -> Parser:
    low, high = _bounds(column, *_INT64)
    low, high = max(low, _INT64[0]), min(high, _INT64[1])

    def parse(value: object) -> Value:
        if type(value) is not int:
            if type(value) is not float or not value.is_integer():
                return _null(column, value, "a whole number")
            value = int(value)
        if low <= value <= high:
            return value
        raise _outside(column, value, low, high)

    return parse


def _bounds(column: Column, low: float, high: float) -> tuple[float, float]:
    return (low if column.low is None else column.low), (high if column.high is None else column.high)


def _outside(column: Column, value: float, low: float, high: float) -> Fault:
    if isinstance(value, float) and not math.isfinite(value):
        return Fault("not_finite", f"is {value}.", "Send null for a missing number.")
    storable = column.kind == "number" or _INT64[0] <= value <= _INT64[1]
    measure, value = column.verdict if storable else "quarantine", value + 0
    if value < low:
        return Fault("below_minimum", f"is {shown(value)}, below {low}.", f"Send at least {low}.", measure, value)
    return Fault("above_maximum", f"is {shown(value)}, above {high}.", f"Send at most {high}.", measure, value)


def _boolean(column: Column) -> Parser:
    def parse(value: object) -> Value:
        if type(value) is bool:
            return value
        return _null(column, value, "true or false")

    return parse


def _instant(column: Column) -> Parser:
    wanted = "a time such as '2013-02-01T05:00:00Z'"

    def parse(value: object) -> Value:
        if type(value) is not str:
            return _null(column, value, wanted)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise _wrong(value, wanted) from error
        if moment.tzinfo is None:
            mend = "End it with 'Z' or an offset such as '-05:00'."
            raise Fault("no_offset", f"is {shown(value)}, without offset.", mend)
        instant = from_datetime(moment)
        if not EARLIEST <= instant <= LATEST:
            raise Fault(
                "no_such_year", f"is {shown(value)}, outside the years 1 to 9999 of UTC.", "Send what was meant."
            )
        return instant

    return parse
