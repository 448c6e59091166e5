"""What MLflow's doors say of themselves in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.serving.plans import ServingPlan
from homeostat.web.doors.asking import filled_in
from homeostat.web.doors.openapi.parts import (
    BODY_ERRORS,
    JSON,
    READ_ERRORS,
    Description,
    Schema,
    operation,
    ref,
    rows,
)
from homeostat.web.doors.openapi.rows import row_schema

_PLAIN = "text/plain"
_VALUES: Schema = {"type": "array", "items": {"type": "array"}, "minItems": 1}
_PARAMS: Schema = {"type": ["object", "null"], "description": "Accepted and not used."}


def described(plans: Sequence[ServingPlan]) -> Description:
    """A path per loop; ``/invocations`` where there is one loop, else only that it names none."""
    paths = {f"/loops/{plan.name}/invocations": _invoking(plan, f"invocations_{plan.name}") for plan in plans}
    if len(plans) == 1:
        paths["/invocations"] = _invoking(plans[0], "invocations")
    answered = {"type": "string"}
    for path, name in (("/ping", "ping"), ("/health", "health")):
        paths[path] = {"get": operation(name, "Whether a version answers.", answered, (*READ_ERRORS, 503), kind=_PLAIN)}
    told = operation("version", "The MLflow whose protocol is spoken.", answered, READ_ERRORS, kind=_PLAIN)
    schemas = {_row(plan): row_schema(plan.question, optional=filled_in(plan.question)) for plan in plans}
    return Description({**paths, "/version": {"get": told}}, schemas)


def _invoking(plan: ServingPlan, name: str) -> Schema:
    summary = f"Ask loop {plan.name} as an MLflow model server is asked; keys and times may be left out."
    bodies: dict[str, Schema] = {JSON: _body(plan), "text/csv": {"type": "string"}}
    return {"post": operation(name, summary, "Predictions", (*BODY_ERRORS, 415), bodies=bodies, once=True)}


def _body(plan: ServingPlan) -> Schema:
    records, names = rows(ref(_row(plan))), list(plan.question.contract)
    split = {
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"enum": names}, "uniqueItems": True},
            "index": {},
            "data": _VALUES,
        },
        "required": ["columns", "data"],
        "additionalProperties": False,
    }
    columns = {"type": "object", "propertyNames": {"enum": names}, "minProperties": 1}
    table: Schema = {"anyOf": [records, columns, _VALUES]}
    forms = {"dataframe_split": split, "dataframe_records": records, "instances": table, "inputs": table}
    return {
        "type": "object",
        "properties": {**forms, "params": _PARAMS},
        "oneOf": [{"required": [form]} for form in forms],
    }


def _row(plan: ServingPlan) -> str:
    return f"{plan.question.name}.asked"
