"""The document: the protocols' descriptions under one head, made when it is first asked for and kept."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Protocol

from homeostat.app.clocks import HEADER as NOW
from homeostat.app.clocks import ClockKind
from homeostat.app.gateway.consumer_names import HEADER as CONSUMER
from homeostat.web.doors.openapi.parts import (
    READ_ERRORS,
    Description,
    Schema,
    error_responses,
    operation,
    shared_schemas,
)
from homeostat.web.doors.paths import READ, Door, Names
from homeostat.web.doors.replies import Response, json_response
from homeostat.web.doors.requests import Request

PATH = "/openapi.json"
_TEXT = """Asks for predictions and sends events. Every error has one shape: a stable code, the problem, what to do \
about it, the facts. The control plane describes itself on its own port, at /api/openapi.json."""


class Described(Protocol):
    """A protocol: its doors, and what it says of them."""

    def doors(self) -> list[Door]:
        """The doors of this protocol."""
        ...

    def described(self) -> Description:
        """Paths and schemas of the same doors, for this process's loops."""
        ...


class OpenapiDoor:
    """Serves the description of all protocols as one OpenAPI 3.1 document."""

    def __init__(self, protocols: Sequence[Described], clock: ClockKind) -> None:
        self._protocols, self._clock = protocols, clock
        self._made: Response | None = None

    def doors(self) -> list[Door]:
        """The door of the document."""
        return [Door("openapi", PATH, READ, self._document)]

    def described(self) -> Description:
        """The document itself."""
        return Description({PATH: {"get": operation("openapi", "This document.", {"type": "object"}, READ_ERRORS)}})

    async def _document(self, request: Request, names: Names) -> Response:
        if self._made is None:
            self._made = json_response(document([*self._protocols, self], self._clock))
        return self._made


def document(protocols: Sequence[Described], clock: ClockKind) -> Schema:
    """The whole document; under a replay's clock requests carry the present, else they may not."""
    told = [one.described() for one in protocols]
    parameters = _parameters(clock)
    paths = {path: _with(item, parameters) for one in told for path, item in one.paths.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Homeostat data plane", "version": version("homeostat"), "description": _TEXT},
        "paths": paths,
        "components": {
            "schemas": {**shared_schemas(), **{name: schema for one in told for name, schema in one.schemas.items()}},
            "responses": error_responses(),
            "parameters": parameters,
        },
    }


def _parameters(clock: ClockKind) -> dict[str, Schema]:
    consumer = _header(CONSUMER, "Who asks, as registered with 'homeostat consumers add'.", {"type": "string"})
    if clock != "replay":
        return {"consumer": consumer}
    time = {"type": "string", "format": "date-time"}
    return {"consumer": consumer, "now": _header(NOW, "The present of the replay; the first request tells it.", time)}


def _header(name: str, text: str, schema: Schema) -> Schema:
    return {"name": name, "in": "header", "description": text, "required": False, "schema": schema}


def _with(item: Schema, parameters: dict[str, Schema]) -> Schema:
    """A path that takes a body is told who asks and when."""
    if "post" not in item:
        return item
    return {"parameters": [{"$ref": f"#/components/parameters/{name}"} for name in parameters], **item}
