"""CSV bodies as rows: a line of names, then values that are read as the contract's kinds."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from itertools import islice

from homeostat.data.contracts import Column
from homeostat.features.ingest import MOST_ROWS
from homeostat.kernel.errors import InvalidInput, TooLarge

_MISSING = frozenset(
    [
        *("", "NaN", "nan", "NA", "N/A", "n/a", "NULL", "null", "None", "<NA>", "#N/A", "#N/A N/A", "#NA", "NaT"),
        *("-NaN", "-nan", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN"),
    ]
)
"""What pandas reads as missing."""
_INTEGER = re.compile(r"[+-]?\d{1,19}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_TRUTHS = {"true": True, "false": False}
_SHAPE = "Send a line with the columns' names, then a line for each row, as DataFrame.to_csv(index=False) writes them."


def rows_of(body: bytes, contract: Mapping[str, Column]) -> list[object]:
    """The rows of a CSV body; a column without name, as pandas writes its index, is left out.

    What cannot be read as its column's kind stays a text, for the contract to refuse.
    Raises: InvalidInput that names the line; TooLarge.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("The body is not UTF-8.", mend="Encode the CSV as UTF-8.") from error
    lines = _lines(text)
    if not lines:
        raise InvalidInput("The body is empty.", mend=_SHAPE)
    (_, names), *rest = lines
    if len(set(names)) < len(names):
        raise InvalidInput("A column is named twice.", mend=_SHAPE)
    return [_row(names, values, contract, line) for line, values in rest]


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """Every line that is not blank, with its number; the names' and as many rows as one request may hold."""
    reader = csv.reader(io.StringIO(text, newline=""))
    filled = ((reader.line_num, values) for values in reader if values)
    try:
        lines = list(islice(filled, MOST_ROWS + 1))
        if next(filled, None) is None:
            return lines
    except csv.Error as error:
        problem = f"Line {reader.line_num} is no CSV: {error}."
        raise InvalidInput(problem, mend=_SHAPE, line=reader.line_num) from error
    mend = f"Send at most {MOST_ROWS} rows in one request."
    raise TooLarge(f"The request holds more than {MOST_ROWS} rows.", mend=mend, limit=MOST_ROWS)


def _row(names: Sequence[str], values: Sequence[str], contract: Mapping[str, Column], line: int) -> dict[str, object]:
    if len(values) != len(names):
        problem = f"Line {line} has {len(values)} values for {len(names)} columns."
        raise InvalidInput(problem, mend="Send one value for each column; quote values that hold commas.", line=line)
    pairs = zip(names, values, strict=True)
    return {name: _value(value, contract.get(name)) for name, value in pairs if name}


def _value(text: str, column: Column | None) -> object:
    if column is None or column.kind == "text":
        return text or None
    if text in _MISSING:
        return None
    if column.kind == "boolean":
        return _TRUTHS.get(text.lower(), text)
    if column.kind in ("number", "integer"):
        return _number(text.strip())
    return text


def _number(text: str) -> object:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and abs(value := float(text)) < float("inf"):
        return value
    return text
