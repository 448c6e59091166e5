"""The reading of one row as straight code: what is plainly in order passes without a call, the rest is parsed.

The code is made from the contract alone; values and names of columns enter it as constants, never as code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from homeostat.data.checks import MAX_TEXT, parser_of
from homeostat.data.patterns import compile_pattern

if TYPE_CHECKING:
    from homeostat.data.contracts import Column, Row

_GREATEST = 1.7976931348623157e308
_INT64 = (-(2**63), 2**63 - 1)
ReadRow = Callable[[Mapping[str, object]], "Row"]


def read_row(columns: Mapping[str, Column]) -> ReadRow:
    """A function from a row as sent to the row as parsed. It raises Fault for the first value that is broken.

    >>> from homeostat.data.contracts import integer
    >>> read_row({"n": integer(0, 9)})({"n": 3.0})
    {'n': 3}
    """
    names = list(columns)
    lines = ["def read(row):", "    get = row.get"]
    known: dict[str, Any] = {}
    for place, (name, column) in enumerate(columns.items()):
        known[f"parse{place}"] = parser_of(column)
        lines += [
            f"    v{place} = get({name!r})",
            f"    {_unless(column, place, known)}v{place} = parse{place}(v{place})",
        ]
    parsed = ", ".join(f"{name!r}: v{place}" for place, name in enumerate(names))
    exec("\n".join([*lines, f"    return {{{parsed}}}"]), known)
    made: ReadRow = known["read"]
    return made


def _unless(column: Column, place: int, known: dict[str, Any]) -> str:
    """The condition under which a value needs its parser; nothing when it always does."""
    value = f"v{place}"
    if column.kind == "boolean":
        return f"if type({value}) is not bool: "
    if column.kind == "integer":
        known[f"low{place}"], known[f"high{place}"] = _within(column, *_INT64)
        return f"if type({value}) is not int or not low{place} <= {value} <= high{place}: "
    if column.kind == "number":
        known[f"low{place}"], known[f"high{place}"] = _within(column, -_GREATEST, _GREATEST)
        return f"if type({value}) is not float or not {value} or not low{place} <= {value} <= high{place}: "
    if column.kind == "text" and column.matches is None and not column.open:
        if column.categories is not None:
            known[f"among{place}"] = frozenset(column.categories)
            return f"if type({value}) is not str or {value} not in among{place}: "
        return f"if {_unusual(value)}: "
    if column.kind == "text" and column.matches is not None and column.categories is None:
        known[f"matches{place}"] = compile_pattern(column.matches).matches
        return f"if {_unusual(value)} or not matches{place}({value}): "
    return ""


def _unusual(value: str) -> str:
    return f"type({value}) is not str or len({value}) > {MAX_TEXT} or not {value}.isascii()"


def _within(column: Column, low: float, high: float) -> tuple[float, float]:
    return max(low, column.low if column.low is not None else low), min(
        high, column.high if column.high is not None else high
    )
