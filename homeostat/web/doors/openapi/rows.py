"""A table's contract as the JSON Schema of one row: what the schema allows, the check of single columns accepts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from homeostat.data.checks import MAX_TEXT
from homeostat.data.contracts import Column
from homeostat.data.rules import RowRule
from homeostat.data.tables import Table
from homeostat.web.doors.openapi.patterns import ecma

_INT64 = (-(2**63), 2**63 - 1)


def row_schema(table: Table, *, optional: Collection[str] = ()) -> dict[str, Any]:
    """The schema of a row; ``optional`` columns may be left out though they may not be null."""
    free = {*optional, table.event_time} if table.now_by_default else optional
    required = [name for name, one in table.contract.items() if not one.nullable and name not in free]
    rules = [one.condition for one in table.rules if isinstance(one, RowRule)]
    text = f"A row of {table.name}: its key is {', '.join(table.keys)}, it happened at {table.event_time}."
    return {
        "type": "object",
        "description": " ".join([text, *(f"Rule: {one}." for one in rules)]),
        "properties": {name: column_schema(one) for name, one in table.contract.items()},
        "required": required,
        "additionalProperties": False,
    }


def column_schema(column: Column) -> dict[str, Any]:
    """The schema of one value. What only warns is told in words: such a value is taken in."""
    strict = column.verdict != "warn"
    schema = _kind(column, strict=strict)
    notes = [*([] if strict else [_promise(column)]), *([_open(column)] if column.open else [])]
    if notes:
        schema["description"] = " ".join(notes)
    if column.nullable:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def _kind(column: Column, *, strict: bool) -> dict[str, Any]:
    if column.kind == "text":
        return _text(column, strict=strict)
    if column.kind == "number":
        bounds = {"minimum": column.low, "maximum": column.high} if strict else {}
        return {"type": "number", "format": "double", **{n: b for n, b in bounds.items() if b is not None}}
    if column.kind == "integer":
        low, high = (column.low, column.high) if strict else (None, None)
        lowest = _INT64[0] if low is None else max(low, _INT64[0])
        highest = _INT64[1] if high is None else min(high, _INT64[1])
        return {"type": "integer", "format": "int64", "minimum": lowest, "maximum": highest}
    return {"type": "boolean"} if column.kind == "boolean" else {"type": "string", "format": "date-time"}


def _text(column: Column, *, strict: bool) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "maxLength": MAX_TEXT}
    if column.categories is not None:
        closed = strict and not column.open
        schema["enum" if closed else "examples"] = list(column.categories)
    if column.matches is not None and strict:
        schema["pattern"] = ecma(column.matches)
    return schema


def _promise(column: Column) -> str:
    parts = {"at least": column.low, "at most": column.high, "matches": column.matches}
    promised = [f"{name} {value}" for name, value in parts.items() if value is not None]
    known = ["one of the examples"] if column.categories is not None else []
    return f"Expected {' and '.join([*promised, *known])}; another value is taken in with a warning."


def _open(column: Column) -> str:
    return "A new category is taken in with a warning."
