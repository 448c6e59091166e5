"""Values written as text, in a file of comma-separated values or on a command line."""

from __future__ import annotations

from collections.abc import Callable

from homeostat.data.checks import Fault, parser_of
from homeostat.data.contracts import Column, Kind, Value
from homeostat.kernel.errors import InvalidInput

_TRUTHS = {"true": True, "false": False}


def reader_of(kind: Kind) -> Callable[[str | None], object]:
    """From a text to what a producer would send as JSON; what cannot be read stays text, for the contract to refuse.

    >>> reader_of("integer")("3"), reader_of("number")("much"), reader_of("boolean")("True")
    (3, 'much', True)
    """
    if kind == "boolean":
        return lambda text: None if text is None else _TRUTHS.get(text.lower(), text)
    if kind == "integer":
        return _integer
    return _number if kind == "number" else lambda text: text


def value_of(name: str, column: Column, text: str) -> Value:
    """The parsed value of a text that a person wrote. Raises: InvalidInput when the column does not hold it."""
    try:
        return parser_of(column)(reader_of(column.kind)(text))
    except Fault as fault:
        raise InvalidInput(f"Column {name!r} {fault.problem}", mend=fault.mend, column=name) from fault


def _integer(text: str | None) -> object:
    try:
        return None if text is None else int(text)
    except ValueError:
        return _number(text)


def _number(text: str | None) -> object:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
