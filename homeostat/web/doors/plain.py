"""Homeostat's own doors: predictions by rows, and events for the recorder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.app.door_parts import EventSink
from homeostat.data.tables import Table
from homeostat.web.doors.asking import Asking, predictions
from homeostat.web.doors.openapi.parts import BODY_ERRORS, JSON, Description, Schema, only, operation, ref, rows
from homeostat.web.doors.openapi.rows import row_schema
from homeostat.web.doors.paths import WRITE, Door, Names
from homeostat.web.doors.replies import Response, json_response
from homeostat.web.doors.requests import Request, decode_rows


@dataclass(frozen=True, slots=True)
class PlainDoors:
    """Rows in, predictions out; facts in, counts out."""

    asking: Asking
    events: EventSink

    def doors(self) -> list[Door]:
        """The doors of this protocol."""
        return [
            Door("predict", "/loops/{loop}/predict", WRITE, self._predict),
            Door("events", "/tables/{table}/events", WRITE, self._take_events),
            Door("events_of_several", "/events", WRITE, self._take_events_of_several),
        ]

    def described(self) -> Description:
        """A path per loop and per table, with rows as their contracts promise them."""
        plans = [self.asking.plan(loop) for loop in self.asking.live.loops]
        tables = {table.name: table for plan in plans for table in (plan.question, *plan.tables)}
        paths = {f"/loops/{plan.name}/predict": _predicting(plan.name, plan.question) for plan in plans}
        paths |= {f"/tables/{name}/events": _telling(name) for name in tables}
        paths["/events"] = _telling_several(list(tables))
        schemas = {_row(name): row_schema(table) for name, table in tables.items()}
        return Description(paths, {**schemas, "Taken": _TAKEN, "TakenBy": _TAKEN_BY})

    async def _predict(self, request: Request, names: Names) -> Response:
        (loop,) = names
        return await self.asking.exchange(request, loop, decode_rows, predictions)

    async def _take_events(self, request: Request, names: Names) -> Response:
        now = self.asking.now(request)
        return json_response(await self.events.events(names[0], await self.asking.body(request), now))

    async def _take_events_of_several(self, request: Request, names: Names) -> Response:
        now = self.asking.now(request)
        return json_response(await self.events.events_of_several(await self.asking.body(request), now))


_COUNT: Schema = {"type": "integer", "minimum": 0}
_SEQUENCE: Schema = {"type": ["integer", "null"]}
_BREAKS: Schema = {"type": "array", "items": ref("Break")}
_TAKEN = only(
    accepted=_COUNT,
    duplicates=_COUNT,
    quarantined=_BREAKS,
    quarantined_rows=_COUNT,
    warnings=_BREAKS,
    first_sequence=_SEQUENCE,
    last_sequence=_SEQUENCE,
)
_TAKEN_BY = only(tables={"type": "object", "additionalProperties": ref("Taken")})


def _predicting(loop: str, question: Table) -> Schema:
    body = only(rows=rows(ref(_row(question.name))))
    summary = f"Ask loop {loop} for one prediction per row; each is durable before it is told."
    errors = (*BODY_ERRORS, 422)
    return {"post": operation(f"predict_{loop}", summary, "Predictions", errors, bodies={JSON: body})}


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
