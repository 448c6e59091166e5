"""MLflow's JSON bodies as rows: four forms, and missing numbers as its own clients write them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from homeostat.data.checks import shown
from homeostat.kernel.errors import InvalidInput
from homeostat.web.doors.mlflow.columns import Positions, check_not_many
from homeostat.web.doors.requests import decode_as

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_SHAPE = f"Send a JSON object with exactly one of {', '.join(FORMS)}."
_SPLIT = 'Send {"dataframe_split": {"columns": [...], "data": [[...], ...]}}, as to_dict(orient="split") gives it.'
_TABLE = "Send a list of records, an object of columns, or a list of rows of values."
_DECODER = msgspec.json.Decoder(dict[str, Any])


def rows_of(body: bytes, positions: Positions) -> list[object]:
    """The rows of a JSON body. Raises: InvalidInput that says what to send instead."""
    sent = _decoded(body)
    found = [form for form in FORMS if form in sent]
    if len(found) != 1:
        named = ", ".join(found) or f"none, but {shown(list(sent))}"
        raise InvalidInput(f"The body must hold one form of rows; it holds {named}.", mend=_SHAPE)
    if not isinstance(sent.get("params"), dict | None):
        raise InvalidInput("The params are no object.", mend='Send {"params": {...}}, or leave them out.')
    (form,) = found
    return _READERS[form](sent[form], positions)


def _split(sent: object, positions: Positions) -> list[object]:
    if not isinstance(sent, dict) or not isinstance(sent.get("data"), list):
        raise InvalidInput("dataframe_split is no object with a list of data.", mend=_SPLIT)
    if unknown := sent.keys() - {"columns", "data", "index"}:
        raise InvalidInput(f"dataframe_split holds {shown(sorted(unknown))}.", mend=_SPLIT)
    columns = sent.get("columns")
    if columns is None or (isinstance(columns, list) and columns == list(range(len(columns)))):
        return positions.rows(sent["data"])
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise InvalidInput("The columns of dataframe_split are no list of names.", mend=_SPLIT)
    return positions.named(columns, sent["data"])


def _records(sent: object, positions: Positions) -> list[object]:
    if not isinstance(sent, list):
        raise InvalidInput("dataframe_records is no list.", mend='Send {"dataframe_records": [{...}, ...]}.')
    return sent


def _table(sent: object, positions: Positions) -> list[object]:
    if isinstance(sent, dict):
        return _by_column(sent)
    if not isinstance(sent, list):
        raise InvalidInput(f"The rows are {shown(sent)}.", mend=_TABLE)
    return positions.rows(sent) if sent and not isinstance(sent[0], dict) else sent


def _by_column(sent: Mapping[str, object]) -> list[object]:
    lists = [values for values in sent.values() if isinstance(values, list)]
    if not lists:
        return [dict(sent)] if sent else []
    if len(lists) < len(sent) or len({len(values) for values in lists}) > 1:
        raise InvalidInput("The columns differ in length.", mend="Send one value per row in each of them.")
    check_not_many(lists[0])
    return [dict(zip(sent, row, strict=True)) for row in zip(*lists, strict=True)]


_READERS: Mapping[str, Callable[[object, Positions], list[object]]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _table,
    "inputs": _table,
}


def _decoded(body: bytes) -> dict[str, Any]:
    """Strict JSON; where it is not, MLflow's own clients may have written NaN for what is missing."""
    try:
        return decode_as(_DECODER, body, _SHAPE)
    except InvalidInput:
        if b"NaN" not in body:
            raise
        found = _with_missing(body)
        if found is None:
            raise
        return found


def _with_missing(body: bytes) -> dict[str, Any] | None:
    """JSON in which NaN stands for null; None when it is no object, or still no JSON."""
    try:
        found = json.loads(body.decode(), parse_constant=_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _constant(literal: str) -> None:
    if literal != "NaN":
        raise ValueError


def _finite(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise ValueError
    return value
