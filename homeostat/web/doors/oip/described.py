"""What the protocol's doors say of themselves in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable

from homeostat.web.doors.oip.datatypes import DATATYPES
from homeostat.web.doors.openapi.parts import (
    BODY_ERRORS,
    JSON,
    ONCE,
    READ_ERRORS,
    Description,
    Schema,
    answer,
    only,
    operation,
    ref,
)

_TEXT: Schema = {"type": "string"}
_PARAMETERS: Schema = {"type": ["object", "null"]}
_VERSION: Schema = {"name": "version", "in": "path", "required": True, "description": "Such as v3.", "schema": _TEXT}
_FACTS: Schema = {"type": "object"}


def described(loops: Iterable[str]) -> Description:
    """Paths of the server and of every loop; errors carry their text where clients of the protocol look for it."""
    paths: dict[str, Schema] = {
        "/v2": _read("v2_server", "Name, version and extensions of the server."),
        "/v2/health/live": _read("v2_live", "Whether the gateway runs."),
        "/v2/health/ready": _read("v2_ready", "Whether a version answers.", 503),
        "/v2/repository/index": _written("v2_index", "Every loop with its loaded versions.", {"type": "array"}, _INDEX),
    }
    for loop in loops:
        model = f"/v2/models/{loop}"
        for path, name, more in ((model, loop, []), (f"{model}/versions/{{version}}", f"{loop}_version", [_VERSION])):
            paths[path] = _read(f"v2_{name}", "Inputs, outputs and loaded versions.", 404, more=more)
            paths[f"{path}/ready"] = _read(f"v2_ready_{name}", "Whether it answers.", 404, 503, more=more)
            asked = _written(
                f"v2_infer_{name}", "Predict.", ref("OipReply"), _REQUEST, *_INFER_ERRORS, more=[*more, ONCE]
            )
            paths[f"{path}/infer"] = asked
    schemas = {"OipReply": _REPLY, "OipError": only(error=_TEXT, code=_TEXT, problem=_TEXT, mend=_TEXT, facts=_FACTS)}
    return Description(paths, schemas)


_INFER_ERRORS = (404, 409, 415, 422)
_TENSOR: Schema = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "shape": {"type": "array", "items": {"type": "integer"}},
        "datatype": {"enum": sorted(DATATYPES)},
        "parameters": _PARAMETERS,
        "data": {"type": ["array", "null"]},
    },
    "required": ["name", "shape", "datatype"],
}
_REQUEST: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": ["string", "null"]},
        "parameters": _PARAMETERS,
        "inputs": {"type": "array", "items": _TENSOR},
        "outputs": {"type": ["array", "null"]},
    },
    "required": ["inputs"],
}
_INDEX: Schema = {"type": "object", "properties": {"ready": {"type": "boolean"}}}
_REPLY: Schema = {
    "type": "object",
    "properties": {
        "model_name": _TEXT,
        "model_version": _TEXT,
        "id": _TEXT,
        "parameters": {"type": "object"},
        "outputs": {"type": "array", "items": _TENSOR},
    },
    "required": ["model_name", "model_version", "outputs"],
}


def _read(name: str, summary: str, *errors: int, more: Iterable[Schema] = ()) -> Schema:
    return {"get": _shaped(operation(name, summary, {"type": "object"}, (*READ_ERRORS, *errors)), more)}


def _written(name: str, summary: str, reply: Schema, body: Schema, *errors: int, more: Iterable[Schema] = ()) -> Schema:
    made = operation(name, summary, reply, (*BODY_ERRORS, *errors), bodies={JSON: body})
    return {"post": _shaped(made, more)}


def _shaped(made: Schema, more: Iterable[Schema]) -> Schema:
    """The operation with the errors of this protocol."""
    responses = {
        status: told if status == "200" else answer("The text that clients show, and its parts.", "OipError")
        for status, told in made["responses"].items()
    }
    return {**made, "responses": responses, **({"parameters": list(more)} if more else {})}
