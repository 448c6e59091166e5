"""Served predictions as the log keeps them: found by id, listed newest first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.control.loop import Loop
from homeostat.data.contracts import Value
from homeostat.data.tables import POSITION, Table, TableStore
from homeostat.data.weights import chosen
from homeostat.kernel.clock import Instant, from_datetime
from homeostat.kernel.errors import InvalidInput, NotFound
from homeostat.stats.tasks import BINARY

LISTED = (
    "prediction_id",
    "key",
    "asked_at",
    "served_at",
    "version",
    "arm",
    "probability",
    "prediction",
    "fell_back",
)


@dataclass(frozen=True)
class Served:
    """One prediction: its record, the question's row and the features as served, missing as None.

    ``features`` holds what was logged, whatever the loop file defines now. Instants are microseconds.
    """

    record: Mapping[str, Value]
    question: Mapping[str, Value]
    features: Mapping[str, Value]

    @property
    def asked_at(self) -> Instant:
        """The question's event time."""
        return int(self.record["asked_at"] or 0)

    @property
    def sequence(self) -> int:
        """What was known when its features were read."""
        return int(self.record["read_sequence"] or 0)


def find(log: TableStore, loop: Loop, prediction_id: str) -> Served:
    """The prediction of an id; ids are in the order of time, so few of the log's files are opened.

    Raises: NotFound for an id that the log does not hold.
    """
    if log.version(loop.name) >= 0:
        rows = log.read(loop.name, where={"prediction_id": prediction_id})
        if rows.num_rows:
            return _served(rows.slice(0, 1).to_pylist()[0])
    if not chosen(prediction_id, loop.log.one_in):
        raise NotFound(
            f"The log of loop {loop.name!r} does not hold {prediction_id!r}: it keeps one prediction in"
            f" {loop.log.one_in}, and this is none of those that it chose.",
            mend="It was answered and not kept, unless nobody was ever given it: both look the same. Set share=1 in"
            " hs.Log to keep every one.",
            prediction_id=prediction_id,
            kept=False,
        )
    raise NotFound(
        f"Loop {loop.name!r} has no prediction {prediction_id!r}.",
        mend="Take an id from a reply of the predict door; 'homeostat explain' lists the latest, with --key those of a"
        " question.",
        prediction_id=prediction_id,
    )


def newest(log: TableStore, loop: Loop, limit: int, key: str | None = None) -> list[dict[str, Value]]:
    """The predictions recorded last, newest first; of one question when its key is given."""
    if log.version(loop.name) < 0:
        return []
    asked = None if key is None else pc.field("key") == key_text(loop.question, key)
    places = log.read(loop.name, columns=[POSITION], where=asked)[POSITION].to_numpy()
    if not len(places):
        return []
    first = int(np.partition(places, -limit)[-limit]) if len(places) > limit else int(places.min())
    since = pc.field(POSITION) >= pa.scalar(first, pa.int64())
    listed = [name for name in LISTED if name != "probability" or loop.task == BINARY]
    rows = log.read(loop.name, columns=listed, where=since if asked is None else since & asked)
    return [_plain(row) for row in reversed(rows.to_pylist())]


def key_text(question: Table, given: str) -> str:
    """A question's key as the log keeps it, from what a person types: its value, or a JSON list of its values.

    >>> from homeostat.data.contracts import instant, integer, text
    >>> seen = Table("seen", key="id", event_time="at", contract={"id": integer(), "at": instant()})
    >>> key_text(seen, "7"), key_text(seen, "[7]")
    ('[7]', '[7]')
    """
    values = _json(given) if given.startswith("[") else [given]
    if not isinstance(values, list) or len(values) != len(question.keys):
        mend = f"Give the values of {', '.join(question.keys)} as a JSON list."
        raise InvalidInput(f"{given!r} is no key of {question.name!r}.", mend=mend)
    kinds = [question.contract[name].kind for name in question.keys]
    typed = [value if kind == "text" else _json(value) for value, kind in zip(values, kinds, strict=True)]
    return question.key_of(dict(zip(question.keys, typed, strict=True)))


def _json(value: object) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise InvalidInput(f"{value!r} is no key.", mend="Give its value, or a JSON list of values.") from error


def _served(row: dict[str, Any]) -> Served:
    parts: dict[str, dict[str, Value]] = {"q": {}, "x": {}}
    record = {}
    for name, value in _plain(row).items():
        kind, _, rest = name.partition("_")
        if kind in parts:
            parts[kind][rest] = value
        elif name != POSITION:
            record[name] = value
    return Served(record, parts["q"], parts["x"])


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: from_datetime(value) if isinstance(value, datetime) else value for name, value in row.items()}
