"""Takes in posted labels: each becomes a fact of its loop's label table, whichever way it names its question."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.app.recorder.calls import MOST_LISTED, Reply, decoded
from homeostat.app.recorder.finding import Finding
from homeostat.app.recorder.frames import Header
from homeostat.data.checks import did_you_mean, shown
from homeostat.data.contracts import Break
from homeostat.data.labels import PREDICTION, Label
from homeostat.data.tables import Table
from homeostat.features.ingest import check_size
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import ContractBroken, InvalidInput, NotFound, Refused

_SHAPE = 'Send {"labels": [{"prediction_id": "...", "label": true}, ...]}.'
_ID = "Take the prediction_id of a reply of this loop, or send the question's key instead."
Call = Callable[[Header, bytes], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A loop as its labels need it."""

    loop: str
    question: Table
    label: Label


@dataclass(slots=True)
class _Sorted:
    """Rows for the label's table with the places they had in the request, and what cannot become one."""

    rows: list[Mapping[str, Any]] = dataclasses.field(default_factory=list)
    places: list[int] = dataclasses.field(default_factory=list)
    refused: list[Break] = dataclasses.field(default_factory=list)


class Labels:
    """Answers ``labels``, and hands every other call on; facts go through the call ``events`` of the others."""

    def __init__(self, loops: Sequence[Labelled], finding: Finding, *, otherwise: Call) -> None:
        self._loops = {one.loop: one for one in loops}
        self._finding, self._otherwise = finding, otherwise

    async def answer(self, header: Header, body: bytes) -> Reply:
        """Take in the labels of a loop: what is good is durable on return, and the rest is told.

        Raises: NotFound when no label names a prediction that is known, or no such loop; Refused for a loop whose
        label is read from a table of its own; whatever events raise.
        """
        if header.get("call") != "labels":
            return await self._otherwise(header, body)
        one = self._posted(str(header.get("loop")))
        found = await self._sorted(one, labels_of(body))
        if not found.rows:
            raise _all_refused(found.refused)
        table = one.label.table.name
        reply = await self._taken({"call": "events", "table": table, "now": header.get("now")}, found)
        rows = {item.row for item in found.refused}
        return {**reply, "refused": _told(found.refused), "refused_rows": len(rows)}

    async def _taken(self, header: Header, found: _Sorted) -> Reply:
        body = json.dumps({"rows": found.rows}).encode()
        try:
            reply = await self._otherwise(header, body)
        except ContractBroken as error:
            listed: Any = error.facts.get("breaks", [])
            breaks = [*_moved(listed, found.places), *_told(found.refused)]
            raise ContractBroken(error.problem, mend=error.mend, **{**error.facts, "breaks": breaks}) from error
        parts = {name: _moved(reply[name], found.places) for name in ("quarantined", "warnings")}
        return {**reply, **parts}

    def _posted(self, loop: str) -> Labelled:
        one = self._loops.get(loop)
        if one is None:
            raise NotFound(f"No loop {loop!r} here.", mend=did_you_mean(loop, self._loops), loop=loop)
        if not one.label.is_posted:
            table = one.label.table.name
            raise Refused(
                f"The label of loop {loop!r} is read from table {table!r}: {one.label.condition}.",
                mend=f"Send what happened to POST /tables/{table}/events, or declare hs.Label.posted(...).",
                loop=loop,
                table=table,
            )
        return one

    async def _sorted(self, one: Labelled, sent: Sequence[object]) -> _Sorted:
        ids = {row[PREDICTION] for row in sent if isinstance(row, dict) and isinstance(row.get(PREDICTION), str)}
        known = await asyncio.to_thread(self._finding.find, one.loop, sorted(ids), ["key"]) if ids else {}
        found = _Sorted()
        for place, row in enumerate(sent):
            why = _broken(one, place, row, known)
            if why is not None:
                found.refused.append(why)
            elif isinstance(row, dict):
                found.places.append(place)
                found.rows.append(_named(one.question, row, known) if PREDICTION in row else row)
        return found


def labels_of(body: bytes) -> list[object]:
    """The labels of a body ``{"labels": [...]}``. Raises: InvalidInput that says what the body is instead; TooLarge.

    >>> labels_of(b'{"labels": [{"label": true}]}')
    [{'label': True}]
    """
    sent = decoded(body, _SHAPE)
    if not isinstance(sent, dict) or sent.keys() != {"labels"} or not isinstance(sent["labels"], list):
        raise InvalidInput('The body is not an object with a list of "labels" and nothing else.', mend=_SHAPE)
    labels: list[object] = sent["labels"]
    if not labels:
        raise InvalidInput("There are no labels.", mend=_SHAPE)
    check_size(len(labels))
    return labels


def _broken(one: Labelled, place: int, row: object, known: Mapping[str, Any]) -> Break | None:
    """Why a label names no question; what else is wrong with it is for the contract to say."""
    if not isinstance(row, dict):
        return Break(place, None, "not_an_object", f"The label is {shown(row)}, not an object.", _SHAPE)
    if PREDICTION not in row:
        return None
    told = row[PREDICTION]
    both = [name for name in one.question.keys if name in row]
    if both:
        problem = f"It names a prediction and, by {', '.join(both)}, a question."
        return Break(place, PREDICTION, "named_twice", problem, "Send one of the two.")
    if not isinstance(told, str):
        return Break(place, PREDICTION, "wrong_type", f"Column {PREDICTION!r} is {shown(told)}, not a text.", _ID)
    if told not in known:
        problem = f"Loop {one.loop!r} has no prediction {shown(told)}."
        return Break(place, PREDICTION, "unknown_prediction", problem, _ID)
    return None


def _named(question: Table, row: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The label by its question's key, as a client would send it."""
    values = json.loads(known[row[PREDICTION]]["key"])
    key = {
        name: format_instant(value) if question.contract[name].kind == "instant" else value
        for name, value in zip(question.keys, values, strict=True)
    }
    return {**{name: value for name, value in row.items() if name != PREDICTION}, **key}


def _all_refused(refused: Sequence[Break]) -> NotFound | ContractBroken:
    first = refused[0]
    problem = f"No label can be taken ({len(refused)} sent). Label {first.row}: {first.problem}"
    if all(one.reason == "unknown_prediction" for one in refused):
        return NotFound(problem, mend=first.mend, breaks=_told(refused))
    return ContractBroken(problem, mend=first.mend, breaks=_told(refused))


def _told(refused: Sequence[Break]) -> list[Reply]:
    return [dataclasses.asdict(item) for item in refused[:MOST_LISTED]]


def _moved(breaks: Sequence[Reply], places: Sequence[int]) -> list[Reply]:
    """Breaks with the places that their rows had in the request."""
    return [{**item, "row": places[item["row"]]} for item in breaks]
