"""The data plane describes itself: valid OpenAPI 3.1, complete, and of the same opinion as the contracts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from homeostat.data.contracts import Column, boolean, compile_contract, integer, number, text
from homeostat.data.tables import Table
from homeostat.web.doors.openapi.patterns import ecma
from homeostat.web.doors.openapi.rows import column_schema, row_schema
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import ARRIVALS, DEPARTURES, PLAN, question
from tests.unit.serving.rig import Answer, Rig


def test_the_document_is_valid_and_made_once(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        found = await rig.ask("GET", "/openapi.json")
        assert (found.status, found.headers["content-type"]) == (200, "application/json")
        OpenAPIV31SpecValidator(found.json).validate()
        assert found.json["openapi"].startswith("3.1")
        assert (await rig.ask("GET", "/openapi.json")).body is found.body

    with_rig(scenario)


def test_every_door_and_every_method_of_it_is_described_and_no_other(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        paths = (await rig.ask("GET", "/openapi.json")).json["paths"]
        doors = [door for door in rig.doors._table.doors if door.methods]
        for door in doors:
            fitting = [path for path in paths if door.names(path) is not None]
            assert fitting, f"{door} is described nowhere: add it to described() of its protocol"
            for path in fitting:
                assert {one.upper() for one in paths[path] if one != "parameters"} == set(door.methods) - {"HEAD"}
        for path in paths:
            assert any(door.names(path) is not None for door in doors), path
        assert {"/loops/late/predict", "/tables/departures/events", "/tables/arrivals/events"} <= set(paths)

    with_rig(scenario)


def test_what_is_answered_is_what_is_described(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        document = (await rig.ask("GET", "/openapi.json")).json

        def fits(answer: Answer, path: str, method: str = "post") -> None:
            described = document["paths"][path][method]["responses"][str(answer.status)]
            described = _resolved(document, described)["content"]["application/json"]["schema"]
            schema = {**described, "components": document["components"]}
            Draft202012Validator(schema).validate(answer.json)

        for status in (503, 200, 422):
            fits(await rig.predict(question(hour=99 if status == 422 else 8)), "/loops/late/predict")
            fits(await rig.ask("GET", "/health/ready"), "/health/ready", "get")
            await rig.route(generation=status + 1000, champion="v1") if status == 503 else None
        fits(await rig.ask("POST", "/loops/late/predict", b"{"), "/loops/late/predict")
        fits(await rig.ask("POST", "/invocations", {"inputs": [question()]}), "/invocations")
        fits(await rig.ask("POST", "/invocations", b"", {"content-type": "image/png"}), "/invocations")
        fits(await rig.ask("GET", "/openapi.json"), "/openapi.json", "get")

    with_rig(scenario)


def _resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    found: Any = document
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


COLUMNS = {
    "text": text(),
    "text or null": text(nullable=True),
    "categories": text(categories=["a", "b"]),
    "categories or null": text(categories=["a", "b"], nullable=True),
    "open categories": text(categories=["a"], open=True),
    "categories that warn": text(categories=["a"], verdict="warn"),
    "pattern": text(matches=r"N\d{1,2}[a-c.]?"),
    "pattern that warns": text(matches="N", verdict="warn"),
    "number": number(),
    "bounded": number(0, 23.5),
    "bounded, warns": number(0, 1, verdict="warn"),
    "integer": integer(),
    "bounded integer": integer(-2.5, 3, nullable=True, verdict="reject"),
    "boolean": boolean(),
}
VALUES = (
    st.none()
    | st.booleans()
    | st.sampled_from(["a", "b", "c", "N1", "N12a", "N123", "", "N"])
    | st.text(st.characters(codec="utf-8"), max_size=4).filter(lambda value: not value.endswith("\n"))
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([3.0, 23.5, 24])
    | st.lists(st.integers(), max_size=1)
)


@pytest.mark.parametrize("name", COLUMNS)
def test_the_schema_allows_exactly_what_the_check_takes_in(name: str) -> None:
    column: Column = COLUMNS[name]
    check, validator = compile_contract({"x": column}), Draft202012Validator(column_schema(column))

    @given(VALUES)
    @settings(max_examples=80)
    def agree(value: object) -> None:
        taken = bool(check([{"x": value}]).rows)
        assert validator.is_valid(value) == taken, value

    agree()


def test_a_pattern_means_the_same_in_the_document() -> None:
    assert ecma("a|b.") == "^(?:(?:[\\u0061]|[\\u0062][^\\u000a]))$"
    assert ecma("(ab)+[^x-z]{2}") == "^(?:(?:[\\u0061][\\u0062]){1,}[^\\u0078-\\u007a]{2,2})$"


def test_a_row_says_what_must_be_there_and_what_may_be_null() -> None:
    schema = row_schema(DEPARTURES)
    assert schema["required"] == ["flight_id", "asked_at", "carrier", "origin", "hour"]
    assert schema["properties"]["carrier"]["enum"] == ["AA", "DL", "UA"]
    assert schema["properties"]["hour"] == {"type": "integer", "format": "int64", "minimum": 0, "maximum": 23}
    assert schema["properties"]["distance"]["type"] == ["number", "null"]
    assert schema["properties"]["asked_at"]["format"] == "date-time"
    assert not schema["additionalProperties"]
    asked = row_schema(DEPARTURES, optional=("flight_id", "asked_at"))
    assert asked["required"] == ["carrier", "origin", "hour"]


def test_several_tables_and_a_system_clock_are_described(with_rig_of: Any) -> None:
    plan = replace(PLAN, tables=(DEPARTURES, ARRIVALS, Table("seen", "id", "at", SEEN)))

    async def scenario(rig: Rig) -> None:
        document = (await rig.ask("GET", "/openapi.json")).json
        assert {"departures.row", "arrivals.row", "seen.row"} <= set(document["components"]["schemas"])
        assert set(document["components"]["parameters"]) == {"consumer"}

    with_rig_of(plan)(scenario)


SEEN = {"id": text(), "at": DEPARTURES.contract["asked_at"]}
