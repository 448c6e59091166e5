"""Homeostat's own doors: predictions by rows or keys, labels of them, and events for the recorder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.app.gateway.door_parts import EventSink
from homeostat.data.contracts import Column
from homeostat.data.labels import PREDICTION, TRUE_AT, TRUTH
from homeostat.data.tables import Table
from homeostat.serving.plans import ServingPlan
from homeostat.web.doors.asking import Asking, predictions
from homeostat.web.doors.once import Once
from homeostat.web.doors.openapi.parts import BODY_ERRORS, JSON, Description, Schema, only, operation, ref, rows
from homeostat.web.doors.openapi.rows import column_schema, row_schema
from homeostat.web.doors.paths import WRITE, Door, Names
from homeostat.web.doors.replies import Response, json_response
from homeostat.web.doors.requests import Request, decode_asked


@dataclass(frozen=True, slots=True)
class PlainDoors:
    """Rows in, predictions out; facts in, counts out."""

    asking: Asking
    once: Once
    events: EventSink

    def doors(self) -> list[Door]:
        """The doors of this protocol."""
        return [
            Door("predict", "/loops/{loop}/predict", WRITE, self.once(self._predict)),
            Door("labels", "/loops/{loop}/labels", WRITE, self._take_labels),
            Door("events", "/tables/{table}/events", WRITE, self._take_events),
            Door("events_of_several", "/events", WRITE, self._take_events_of_several),
        ]

    def described(self) -> Description:
        """A path per loop and per table, with rows as their contracts promise them."""
        plans = [self.asking.plan(loop) for loop in self.asking.live.loops]
        tables = {table.name: table for plan in plans for table in (plan.question, *plan.tables)}
        paths = {f"/loops/{plan.name}/predict": _predicting(plan) for plan in plans}
        paths |= {f"/loops/{plan.name}/labels": _labelling(plan) for plan in plans}
        paths |= {f"/tables/{name}/events": _telling(name) for name in tables}
        paths["/events"] = _telling_several(list(tables))
        schemas = {_row(name): row_schema(table) for name, table in tables.items()}
        return Description(paths, {**schemas, "Taken": _TAKEN, "TakenBy": _TAKEN_BY, "Labelled": _LABELLED})

    async def _predict(self, request: Request, names: Names) -> Response:
        (loop,) = names

        def decode(body: bytes) -> Sequence[object]:
            return self.asking.rows(request, loop, decode_asked(body))

        return await self.asking.exchange(request, loop, decode, predictions)

    async def _take_labels(self, request: Request, names: Names) -> Response:
        (loop,) = names
        self.asking.plan(loop)
        now = self.asking.now(request)
        taken = await self.events.labels(loop, await self.asking.body(request), now)
        self.asking.metrics.labelled(loop, taken)
        return json_response(taken)

    async def _take_events(self, request: Request, names: Names) -> Response:
        now = self.asking.now(request)
        return json_response(await self.events.events(names[0], await self.asking.body(request), now))

    async def _take_events_of_several(self, request: Request, names: Names) -> Response:
        now = self.asking.now(request)
        return json_response(await self.events.events_of_several(await self.asking.body(request), now))


_COUNT: Schema = {"type": "integer", "minimum": 0}
_SEQUENCE: Schema = {"type": ["integer", "null"]}
_BREAKS: Schema = {"type": "array", "items": ref("Break")}
_FATES: Schema = {
    "accepted": _COUNT,
    "duplicates": _COUNT,
    "quarantined": _BREAKS,
    "quarantined_rows": _COUNT,
    "warnings": _BREAKS,
    "first_sequence": _SEQUENCE,
    "last_sequence": _SEQUENCE,
}
_TAKEN = only(**_FATES)
_LABELLED = only(**_FATES, refused=_BREAKS, refused_rows=_COUNT)
_TAKEN_BY = only(tables={"type": "object", "additionalProperties": ref("Taken")})


def _predicting(plan: ServingPlan) -> Schema:
    loop, body = plan.name, only(rows=rows(ref(_row(plan.question.name))))
    if plan.rows is not None:
        body = {"oneOf": [body, only(keys=rows(_key(plan.question)))]}
    summary = f"Ask loop {loop} for one prediction per row; each is durable before it is told."
    return {
        "post": operation(
            f"predict_{loop}", summary, "Predictions", (*BODY_ERRORS, 404), bodies={JSON: body}, once=True
        )
    }


def _key(question: Table) -> Schema:
    columns = {name: column_schema(Column(question.contract[name].kind)) for name in question.keys}
    (one, *more) = columns.values()
    return only(**columns) if more else {"oneOf": [only(**columns), one]}


def _labelling(plan: ServingPlan) -> Schema:
    if plan.label is None or not plan.label.is_posted:
        summary = f"Refused: the label of loop {plan.name} is read from a table; post its events."
        body: Schema = {"type": "object"}
    else:
        summary = f"Tell what predictions of loop {plan.name} turned out to be; a later label of a question corrects."
        by_key = row_schema(plan.label.table)
        truth = {name: by_key["properties"][name] for name in (TRUTH, TRUE_AT)}
        by_prediction = {**only(**truth, **{PREDICTION: {"type": "string"}}), "required": [TRUTH, PREDICTION]}
        body = only(labels=rows({"oneOf": [by_prediction, by_key]}))
    errors = (*BODY_ERRORS, 404, 422)
    return {"post": operation(f"labels_{plan.name}", summary, "Labelled", errors, bodies={JSON: body})}


def _telling(table: str) -> Schema:
    summary = f"Tell what happened: rows of {table}, each counted once; broken ones are kept apart with the reason."
    body = only(rows=_listed(table))
    return {"post": operation(f"events_{table}", summary, "Taken", (*BODY_ERRORS, 422), bodies={JSON: body})}


def _telling_several(tables: Sequence[str]) -> Schema:
    listed = {name: _listed(name) for name in tables}
    body = {"type": "object", "properties": listed, "minProperties": 1, "additionalProperties": False}
    summary = "Tell what happened: rows of several tables, taken in together or not at all."
    return {"post": operation("events", summary, "TakenBy", (*BODY_ERRORS, 404, 422), bodies={JSON: body})}


def _listed(table: str) -> Schema:
    return rows(ref(_row(table)))


def _row(table: str) -> str:
    return f"{table}.row"
