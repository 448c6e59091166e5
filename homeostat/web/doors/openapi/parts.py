"""Parts of which every protocol describes its doors: operations, bodies, and the one shape of errors."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from homeostat.data.contracts import Break
from homeostat.features.ingest import MOST_ROWS
from homeostat.serving.gateway import Reply
from homeostat.web.doors.keys import HEADER, LONGEST

Schema = dict[str, Any]
JSON = "application/json"
BODY_ERRORS = (400, 403, 408, 413, 503, 500)
"""What may go wrong with any request that has a body, 422 aside."""
READ_ERRORS = (403, 500)
ONCE: Schema = {
    "name": HEADER,
    "in": "header",
    "description": "Sent again with the same key, a request gets the same answer, and is recorded once.",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}
_ERRORS = {
    400: "It cannot be understood; sending it again will not help.",
    403: "The request comes from a page of another site, or to a name that is not ours.",
    404: "There is nothing of that name; the mend names what there is.",
    408: "The body did not come in time.",
    409: "The first request with this idempotency key is still being answered.",
    413: "More rows or bytes than one request may hold.",
    415: "The body is of a kind that is not read here.",
    422: "Rows break their contract; facts.breaks lists each with its mend. Or an idempotency key was used before.",
    500: "A fault of ours, told without its inside.",
    503: "A part is away or busy; the same request may succeed later.",
}


@dataclass(frozen=True, slots=True)
class Description:
    """What a protocol says of its doors: path items by path, and schemas by name."""

    paths: Mapping[str, Schema]
    schemas: Mapping[str, Schema] = field(default_factory=dict)


def operation(
    name: str,
    summary: str,
    reply: Schema | str,
    errors: Collection[int],
    *,
    kind: str = JSON,
    bodies: Mapping[str, Schema] | None = None,
    once: bool = False,
) -> Schema:
    """One operation; ``name`` is unique, ``reply`` a schema or its reference, ``bodies`` schemas by content type.

    Operations with a body are told the present and who asks; ``once`` may be sent again under an idempotency key.
    """
    errors = {*errors, 409, 422} if once else errors
    answers: Schema = {"200": answer("The answer.", reply, kind)}
    answers |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(errors)}
    whole: Schema = {"operationId": name, "summary": summary, "responses": answers}
    if bodies is not None:
        content = {one: {"schema": schema} for one, schema in bodies.items()}
        whole["requestBody"] = {"required": True, "content": content}
    return {**whole, "parameters": [ONCE]} if once else whole


def answer(text: str, schema: Schema | str, kind: str = JSON) -> Schema:
    """A response; ``schema`` itself or the name of a shared one."""
    return {"description": text, "content": {kind: {"schema": ref(schema) if isinstance(schema, str) else schema}}}


def ref(name: str) -> Schema:
    """A reference to a shared schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def rows(of: Schema) -> Schema:
    """A list of as many rows as one request may hold."""
    return {"type": "array", "items": of, "minItems": 1, "maxItems": MOST_ROWS}


def only(**properties: Schema) -> Schema:
    """An object of exactly these."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def shared_schemas() -> dict[str, Schema]:
    """Schemas that several protocols refer to: a prediction, a broken promise, predictions, and every error."""
    _, found = msgspec.json.schema_components([Reply, Break], ref_template="#/components/schemas/{name}")
    texts = {"type": "string"}
    error = only(code=texts, problem=texts, mend=texts, facts={"type": "object"})
    return {
        **{name: {**one, "description": inspect.cleandoc(one["description"])} for name, one in found.items()},
        "Predictions": only(predictions={"type": "array", "items": ref("Reply")}),
        "Error": only(error=error),
    }


def error_responses() -> dict[str, Schema]:
    """Every status that can come beside 200, in the one shape."""
    return {str(status): _error(status, text) for status, text in _ERRORS.items()}


def _error(status: int, text: str) -> Schema:
    again: Schema = {"headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}}
    return {**answer(text, "Error"), **(again if status in (409, 503) else {})}
