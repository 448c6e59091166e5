"""What may be declared of a column: parts that fit its kind and do not contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeostat.data.checks import MAX_TEXT, shown
from homeostat.data.patterns import compile_pattern
from homeostat.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from homeostat.data.contracts import Column

KINDS = ("text", "number", "integer", "boolean", "instant")
_GREATEST = 1.7976931348623157e308
MEASURES = ("reject", "quarantine", "warn")


def check_column(column: Column) -> None:
    """Refuse a promise that nothing can keep. Raises: InvalidInput naming the declaration."""
    if column.kind not in KINDS:
        raise _wrong(column, f"{column.kind!r} is no kind", f"Use one of {', '.join(KINDS)}.")
    for name in ("nullable", "open"):
        if not isinstance(getattr(column, name), bool):
            raise _wrong(column, f"{name} is {shown(getattr(column, name))}", f"Say {name}=True or leave it out.")
    check_measure(column.verdict, str(column.kind))
    _check_bounds(column)
    _check_texts(column)
    promised = (column.low, column.high, column.categories, column.matches)
    if column.verdict == "warn" and all(part is None for part in promised):
        mend = "Declare bounds, categories or a pattern; a wrong kind or null is never taken in."
        raise _wrong(column, "there is nothing to warn of", mend)


def check_measure(verdict: object, declared: str) -> None:
    """Raises: InvalidInput when it is none of the three."""
    if verdict not in MEASURES:
        mend = f"Use one of {', '.join(MEASURES)}."
        raise InvalidInput(f"In {declared}(...), verdict is {shown(verdict)}.", mend=mend)


def _check_bounds(column: Column) -> None:
    bounds = {name: bound for name in ("low", "high") if (bound := getattr(column, name)) is not None}
    if bounds and column.kind not in ("number", "integer"):
        raise _wrong(column, "bounds are declared", "Bound numbers only.")
    for name, bound in bounds.items():
        if isinstance(bound, bool) or not isinstance(bound, (int, float)):
            raise _wrong(column, f"{name} is {shown(bound)}, no number", "Give a number, or leave it out.")
        if not -_GREATEST <= bound <= _GREATEST:
            raise _wrong(column, f"{name} is not finite", "Leave out a bound that does not bind.")
    if len(bounds) == 2 and bounds["low"] > bounds["high"]:
        raise _wrong(column, f"low {bounds['low']} is above high {bounds['high']}", "Swap them.")


def _check_texts(column: Column) -> None:
    if column.kind != "text":
        for name in ("categories", "matches", "open"):
            if getattr(column, name):
                raise _wrong(column, f"{name} is declared", f"Declare {name} of a text column only.")
        return
    if column.matches is not None:
        compile_pattern(column.matches)
    if column.categories is None:
        if column.open:
            raise _wrong(column, "open has nothing to open", "Name the known categories, or leave open out.")
        return
    _check_categories(column, column.categories)


def _check_categories(column: Column, categories: tuple[str, ...]) -> None:
    if not categories:
        raise _wrong(column, "categories are empty", "Name at least one, or leave them out.")
    for one in categories:
        if not isinstance(one, str) or len(one) > MAX_TEXT:
            raise _wrong(column, f"category {shown(one)} is no text", "Name categories as texts.")
    if column.matches is not None and not column.open:
        mend = "Leave matches out, or open the categories."
        raise _wrong(column, "closed categories stand beside a pattern, which then adds nothing", mend)


def _wrong(column: Column, problem: str, mend: str) -> InvalidInput:
    return InvalidInput(f"In {column.kind}(...), {problem}.", mend=mend)
