"""The Open Inference Protocol: a loop is a model, its columns are tensors, and replies are what the plain door says."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from homeostat.serving.plans import ServingPlan
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import question
from tests.unit.serving.oip import INFER, SEVERAL_KEYS, WIDE, binary, inputs, outputs, tensor
from tests.unit.serving.parts import expected, model, save_version
from tests.unit.serving.rig import NOW_HEADER, Rig

ROW = inputs([question(1)])


def test_server_and_models_say_what_they_are(with_rig_of: Callable[[ServingPlan], WithRig[object]]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        server = (await rig.ask("GET", "/v2")).json
        assert set(server) == {"name", "version", "extensions"}
        assert "binary_tensor_data" in server["extensions"]
        told = (await rig.ask("GET", "/v2/models/late")).json
        assert told == (await rig.ask("GET", "/v2/models/late/versions/v1")).json
        assert (told["name"], told["versions"], told["platform"]) == ("late", ["v1"], "homeostat")
        assert {one["name"]: (one["datatype"], one["parameters"]["optional"]) for one in told["inputs"]} == {
            "flight_id": ("BYTES", True),
            "asked_at": ("BYTES", True),
            "carrier": ("BYTES", False),
            "origin": ("BYTES", False),
            "hour": ("INT64", False),
            "distance": ("FP64", True),
            "wet": ("BOOL", True),
            "planned": ("BYTES", True),
            "note": ("BYTES", True),
            "seats": ("INT64", True),
        }
        assert told["parameters"] == {"matrix_columns": "hour,distance,seats"}
        assert {one["name"]: one["datatype"] for one in told["outputs"]} == {
            "prediction": "BOOL",
            "probability": "FP64",
            "prediction_id": "BYTES",
            "version": "BYTES",
            "arm": "BYTES",
            "defaulted": "BYTES",
            "warnings": "BYTES",
        }
        assert {tuple(one["shape"]) for one in told["inputs"] + told["outputs"]} == {(-1,)}

    with_rig_of(WIDE)(scenario)


def test_ready_is_a_loaded_version(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        at = {path: f"/v2/{path}" for path in ("health/ready", "models/late/ready")}
        assert (await rig.ask("GET", "/v2/health/live")).status == 200
        for path in at.values():
            answer = await rig.ask("GET", path)
            assert (answer.status, answer.json["code"]) == (503, "unavailable")
        assert (await rig.ask("GET", "/v2/models/late/versions/v1/ready")).status == 404
        assert (await rig.ask("GET", "/v2/models/late")).json["versions"] == []
        (waiting,) = (await rig.ask("POST", "/v2/repository/index")).json
        assert (waiting["state"], "first version" in waiting["reason"]) == ("UNAVAILABLE", True)
        assert (await rig.ask("POST", "/v2/repository/index", {"ready": True})).json == []
        save_version(rig.home / "versions", "v2", model(1.0))
        await rig.route(generation=1, champion="v1", standby="v2")
        for path in (*at.values(), "/v2/models/late/versions/v2/ready"):
            assert (await rig.ask("GET", path)).status == 200
        for path in ("/v2/models/lat/ready", "/v2/models/late/versions/v3/ready", "/v2/models/late/versions/v3"):
            assert (await rig.ask("GET", path)).status == 404
        index = (await rig.ask("POST", "/v2/repository/index")).json
        assert index == [
            {"name": "late", "version": version, "state": "READY", "reason": ""} for version in ("v1", "v2")
        ]

    with_rig(scenario)


def test_columns_give_what_the_plain_door_gives_and_are_recorded_alike(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        rows = [question(0), question(1, hour=12, carrier="DL", distance=None)]
        plain = (await rig.predict(*rows)).json["predictions"]
        answer = await rig.ask("POST", INFER, {"id": "q", "inputs": inputs(rows)})
        assert answer.status == 200
        assert {name: answer.json[name] for name in ("model_name", "model_version", "id")} == {
            "model_name": "late",
            "model_version": "v1",
            "id": "q",
        }
        found = outputs(answer)
        assert found["probability"] == [one["probability"] for one in plain]
        assert found["prediction"] == [one["prediction"] for one in plain]
        assert (found["version"], found["arm"]) == (["v1", "v1"], ["champion", "champion"])
        assert (found["defaulted"], found["warnings"]) == (["[]", "[]"], ["[]", "[]"])
        records = rig.records()
        assert [record.prediction_id for record in records[2:]] == found["prediction_id"]
        assert [record.question for record in records[2:]] == [record.question for record in records[:2]]
        assert rig.metric("homeostat_requests_total", door="infer", loop="late", status="200") == 1
        assert rig.metric("homeostat_predict_seconds_count", loop="late") == 2

    with_rig(scenario)


def test_keys_and_times_that_are_left_out_are_the_requests_own(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        given = [tensor("carrier", "BYTES", ["UA", "DL"]), tensor("origin", "BYTES", ["JFK", "JFK"])]
        given.append(tensor("hour", "INT64", [8, 9]))
        assert (await rig.ask("POST", INFER, {"id": "mine", "inputs": given})).status == 200
        for empty in ({}, {"id": ""}, {"id": None}):
            assert (await rig.ask("POST", INFER, {**empty, "inputs": given})).status == 200
        keys = [json.loads(record.key)[0] for record in rig.records()]
        assert keys[:2] == ["mine/0", "mine/1"]
        assert len(set(keys)) == 8
        assert {record.asked_at for record in rig.records()} == {1_359_723_600_000_000}

    with_rig(scenario)


def test_every_kind_of_column_has_its_datatype_in_json_and_in_binary(
    with_rig_of: Callable[[ServingPlan], WithRig[object]],
) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        extra = [
            tensor("wet", "BOOL", [True]),
            tensor("planned", "BYTES", ["2013-02-01T14:00:00+01:00"]),
            tensor("note", "BYTES", ["späte Nacht"]),
            tensor("seats", "UINT8", [200]),
        ]
        body, headers = binary(ROW + extra)
        assert (await rig.ask("POST", INFER, {"inputs": ROW + extra})).status == 200
        assert (await rig.ask("POST", INFER, body, headers)).status == 200
        for record in rig.records():
            found = {name: record.question[name] for name in ("wet", "planned", "note", "seats")}
            assert found == {"wet": True, "planned": 1_359_723_600_000_000, "note": "späte Nacht", "seats": 200}
        empty = [tensor(name, datatype, [None]) for name, datatype in (("wet", "BOOL"), ("note", "BYTES"))]
        assert (await rig.ask("POST", INFER, {"inputs": ROW + empty})).status == 200
        assert rig.records()[-1].question["note"] is None

    with_rig_of(WIDE)(scenario)


@pytest.mark.parametrize(
    "datatype",
    ["FP16", "FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"],
)
def test_every_numeric_datatype_reads_into_columns_of_numbers_and_integers(
    with_rig: WithRig[object], datatype: str
) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        given = [*ROW[:4], tensor("hour", datatype, [8], [1, 1]), tensor("distance", datatype, [100])]
        body, headers = binary(given)
        for answer in (await rig.ask("POST", INFER, {"inputs": given}), await rig.ask("POST", INFER, body, headers)):
            assert outputs(answer)["probability"] == pytest.approx([expected(-1, 8)], abs=1e-6)
        for record in rig.records():
            assert (record.question["hour"], record.question["distance"]) == (8, 100.0)
            assert (type(record.question["hour"]), type(record.question["distance"])) == (int, float)

    with_rig(scenario)


def test_nan_in_binary_and_null_in_json_are_missing_where_the_contract_lets_them(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        for datatype in ("FP16", "FP32", "FP64"):
            body, headers = binary([*ROW[:5], tensor("distance", datatype, [None])])
            assert (await rig.ask("POST", INFER, body, headers)).status == 200
            assert rig.records()[-1].question["distance"] is None
            body, headers = binary([*ROW[:4], tensor("hour", datatype, [None])])
            answer = await rig.ask("POST", INFER, body, headers)
            assert (answer.status, answer.json["code"]) == (422, "contract_broken")
            assert "null means missing" in answer.json["mend"]

    with_rig(scenario)


def test_one_matrix_holds_the_numeric_columns_in_the_order_that_metadata_tells(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        told = (await rig.ask("GET", "/v2/models/late")).json["parameters"]["matrix_columns"].split(",")
        assert told == ["hour", "distance"]
        texts = [tensor("carrier", "BYTES", ["UA", "DL"]), tensor("origin", "BYTES", ["JFK", "JFK"])]
        flat = tensor("input-0", "FP32", [8, 1400, 9, None], [2, 2])
        nested = {**flat, "data": [[8, 1400], [9, None]]}
        body, headers = binary([*texts, flat])
        for answer in (
            await rig.ask("POST", INFER, {"inputs": [*texts, flat]}),
            await rig.ask("POST", INFER, {"inputs": [*texts, nested]}),
            await rig.ask("POST", INFER, body, headers),
        ):
            wanted = [expected(-1, 8, "UA"), expected(-1, 9, "DL")]
            assert outputs(answer)["probability"] == pytest.approx(wanted, abs=1e-6)
        found = [(record.question["hour"], record.question["distance"]) for record in rig.records()]
        assert found == [(8, 1400.0), (9, None)] * 3

    with_rig(scenario)


def test_a_version_is_asked_by_name_and_several_versions_are_all_named(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        save_version(rig.home / "versions", "v2", model(1.0))
        await rig.route(generation=1, champion="v1", canary="v2", share=0.5, salt="s")
        answer = await rig.ask("POST", "/v2/models/late/versions/v2/infer", {"inputs": ROW})
        assert answer.json["model_version"] == "v2"
        found = outputs(answer)
        assert (found["version"], found["arm"]) == (["v2"], ["pinned"])
        assert found["probability"] == pytest.approx([expected(1, 8)], abs=1e-6)
        unknown = await rig.ask("POST", "/v2/models/late/versions/2/infer", {"inputs": ROW})
        assert (unknown.status, "'2'" in unknown.error) == (404, True)
        many = await rig.ask("POST", INFER, {"inputs": inputs([question(place) for place in range(40)])})
        assert sorted(many.json["model_version"].split(",")) == ["v1", "v2"]
        assert set(outputs(many)["version"]) == {"v1", "v2"}

    with_rig(scenario)


def test_outputs_are_those_that_were_asked_for_each_in_its_own_form(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        wanted: list[Any] = [{"name": "version", "parameters": {"binary_data": True}}, {"name": "probability"}]
        answer = await rig.ask("POST", INFER, {"inputs": ROW, "outputs": wanted})
        assert answer.headers["content-type"] == "application/octet-stream"
        assert list(outputs(answer)) == ["version", "probability"]
        assert outputs(answer)["version"] == ["v1"]
        wanted[0]["parameters"]["binary_data"] = False
        answer = await rig.ask("POST", INFER, {"inputs": ROW, "outputs": wanted})
        assert answer.headers["content-type"] == "application/json"
        assert "inference-header-content-length" not in answer.headers
        body, headers = binary(inputs([question(2), question(3)]), parameters={"binary_data_output": True})
        found = outputs(await rig.ask("POST", INFER, body, headers))
        assert found["prediction"] == [True, True]
        assert found["probability"] == pytest.approx([expected(-1, 8)] * 2, abs=1e-6)
        assert found["defaulted"] == ["[]", "[]"]
        assert found["prediction_id"] == [record.prediction_id for record in rig.records()[-2:]]

    with_rig(scenario)


def test_parameters_that_nobody_knows_are_accepted_and_given_back(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        told = {"trace": "abc", "priority": 3, "half": 0.5, "on": True}
        others = {"binary_data_output": False, "content_type": "pd", "nested": {"a": [1]}, "huge": 10**40, "no": None}
        body = {"inputs": ROW, "parameters": {**told, **others}, "unheard_of": 1, "outputs": None}
        answer = await rig.ask("POST", INFER, body)
        assert (answer.status, answer.json["parameters"]) == (200, told)
        assert "parameters" not in (await rig.ask("POST", INFER, {"inputs": ROW, "parameters": None})).json

    with_rig(scenario)


def test_texts_that_mlservers_codecs_wrap_are_unwrapped(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        for wrapped in (
            tensor("carrier", "BYTES", ["VUE="], content_type="base64"),
            tensor("carrier", "BYTES", ['"UA"'], content_type="pd_json"),
            tensor("carrier", "BYTES", ["UA"], content_type="str"),
        ):
            answer = await rig.ask("POST", INFER, {"inputs": [*ROW[:2], wrapped, *ROW[3:]]})
            assert (answer.status, rig.records()[-1].question["carrier"]) == (200, "UA")
        for wrong in ("base64", "pd_json"):
            wrapped = tensor("carrier", "BYTES", ["UA!"], content_type=wrong)
            answer = await rig.ask("POST", INFER, {"inputs": [*ROW[:2], wrapped, *ROW[3:]]})
            assert (answer.status, "content_type" in answer.json["problem"]) == (400, True)

    with_rig(scenario)


def test_packed_bodies_are_read_within_the_limit(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        body, headers = binary(ROW)
        for name, packed in (("gzip", gzip.compress(body)), ("Deflate", zlib.compress(body)), ("identity", body)):
            answer = await rig.ask("POST", INFER, packed, {**headers, "content-encoding": name})
            assert answer.status == 200
        bomb = gzip.compress(b" " * 100_000_000)[:60_000]
        answer = await rig.ask("POST", INFER, bomb, {**NOW_HEADER, "content-encoding": "gzip"})
        assert (answer.status, answer.json["code"]) == (413, "too_large")
        answer = await rig.ask("POST", INFER, body, {**headers, "content-encoding": "br"})
        assert (answer.status, answer.json["code"]) == (415, "unknown_encoding")
        for damaged in (gzip.compress(body)[:-4], gzip.compress(body) + b"x", body, b""):
            answer = await rig.ask("POST", INFER, damaged, {**headers, "content-encoding": "gzip"})
            assert (answer.status, "no whole gzip" in answer.json["problem"]) == (400, True)

    with_rig(scenario)


def test_errors_below_v2_are_texts_with_the_parts_beside_and_elsewhere_as_ever(
    with_rig: WithRig[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        for method, path, status in (
            ("GET", "/v2/nope", 404),
            ("GET", "/v2/", 404),
            ("GET", "/v2/models/late/versions//infer", 404),
            ("GET", INFER, 405),
            ("POST", "/v2/health/live", 405),
            ("POST", INFER, 400),
            ("POST", "/v2/models/nope/infer", 400),
        ):
            answer = await rig.ask(method, path)
            assert (answer.status, answer.error) == (status, f"{answer.json['problem']} {answer.json['mend']}")
            assert set(answer.json) == {"error", "code", "problem", "mend", "facts"}
        nowhere = await rig.ask("POST", "/v2/models/nope/infer", {"inputs": ROW})
        assert (nowhere.status, nowhere.json["code"]) == (404, "not_found")
        foreign = await rig.ask("GET", "/v2", headers={"host": "evil.example"})
        assert (foreign.status, type(foreign.error)) == (403, str)
        monkeypatch.setattr(rig.gateway, "_spool", None)
        fault = await rig.ask("POST", INFER, {"inputs": ROW})
        assert (fault.status, fault.json["code"], type(fault.error)) == (500, "homeostat_error", str)
        assert (await rig.ask("GET", "/v3")).error["code"] == "not_found"

    with_rig(scenario)


def test_a_key_of_several_columns_is_the_clients_own(with_rig_of: Callable[[ServingPlan], WithRig[object]]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        told = (await rig.ask("GET", "/v2/models/late")).json["inputs"]
        assert [one["name"] for one in told if one["parameters"]["optional"]] == ["asked_at", "distance"]
        assert (await rig.ask("POST", INFER, {"inputs": ROW})).status == 200
        answer = await rig.ask("POST", INFER, {"inputs": ROW[1:]})
        assert (answer.status, "'flight_id' is missing" in answer.json["problem"]) == (422, True)

    with_rig_of(SEVERAL_KEYS)(scenario)
