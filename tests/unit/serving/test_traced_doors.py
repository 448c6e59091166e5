"""A request that is traced has one span, with the standard's names, and one below for each stage that it came to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from opentelemetry.semconv._incubating.attributes import rpc_attributes
from opentelemetry.semconv.attributes import error_attributes, http_attributes, url_attributes, user_agent_attributes

from homeostat.app.tracing.tracer import Tracer
from homeostat.serving.gateway import STAGES
from homeostat.serving.prediction_log import SpoolFull
from homeostat.web.doors.traced.application import METHODS
from tests.unit.serving.grpc_rig import NOW, line_to, typed
from tests.unit.serving.kept_spans import SAMPLED, SPAN, TRACE, UNSAMPLED, Kept, traced
from tests.unit.serving.late import question
from tests.unit.serving.oip import INFER, inputs
from tests.unit.serving.parts import model, save_version
from tests.unit.serving.rig import GOOD, NOW_HEADER, PREDICT, Rig

ROW = {"carrier": "UA", "origin": "JFK", "hour": 8, "distance": None}
DOORS = {
    "POST /loops/{loop}/predict": (PREDICT, GOOD),
    "POST /v2/models/{loop}/infer": (INFER, json.dumps({"inputs": inputs([ROW])}).encode()),
    "POST /v2/models/{loop}/versions/{version}/infer": (
        "/v2/models/late/versions/v1/infer",
        json.dumps({"inputs": inputs([ROW])}).encode(),
    ),
    "POST /invocations": ("/invocations", json.dumps({"dataframe_records": [ROW]}).encode()),
    "POST /loops/{loop}/invocations": ("/loops/late/invocations", json.dumps({"inputs": [ROW]}).encode()),
}
HEADERS = {**NOW_HEADER, "content-type": "application/json", "traceparent": SAMPLED, "tracestate": "a=1\nb=2"}


@pytest.mark.parametrize("name", DOORS)
def test_a_request_over_any_door_is_a_span_of_the_callers_trace_with_its_stages_below(
    tmp_path: Path, name: str
) -> None:
    path, body = DOORS[name]

    async def scenario(rig: Rig, kept: Kept) -> None:
        answer = await rig.ask("POST", path, body, {**HEADERS, "user-agent": "caller/1"})
        assert answer.status == 200, answer.body
        own, below = kept.take()
        assert (own.name, own.kind, own.failed, own.remote) == (name, "server", None, True)
        assert (own.place.trace_id, own.parent, own.place.state) == (int(TRACE, 16), int(SPAN, 16), "a=1,b=2")
        (record,) = rig.records()
        assert own.facts == {
            http_attributes.HTTP_REQUEST_METHOD: "POST",
            http_attributes.HTTP_ROUTE: name.removeprefix("POST "),
            http_attributes.HTTP_RESPONSE_STATUS_CODE: 200,
            url_attributes.URL_PATH: path,
            url_attributes.URL_SCHEME: "http",
            user_agent_attributes.USER_AGENT_ORIGINAL: "caller/1",
            "homeostat.loop": "late",
            "homeostat.rows": 1,
            "homeostat.versions": ["v1"],
            "homeostat.arms": [record.arm],
            "homeostat.prediction_ids": [record.prediction_id],
        }
        assert record.trace_id == TRACE
        stages = ("decode", *STAGES, "encode")
        assert tuple(below) == stages
        ends = [own.began]
        for one in below.values():
            assert (one.parent, one.kind, one.failed) == (own.place.span_id, "internal", None)
            assert one.place.trace_id == own.place.trace_id
            assert ends[-1] <= one.began <= one.ended <= own.ended
            ends.append(one.ended)
        assert len({own.place.span_id, *(one.place.span_id for one in below.values())}) == len(stages) + 1

    traced(tmp_path, scenario)


def test_a_call_over_grpc_is_one_as_well(tmp_path: Path) -> None:
    async def scenario(rig: Rig, kept: Kept) -> None:
        async with line_to(rig, tracer=Tracer(kept, 0.0)) as (line, _):
            told = await line.infer(typed(inputs([ROW])), metadata=(*NOW, ("traceparent", SAMPLED)))
            assert told.status == "OK"
            own, below = await kept.taken()
            method = "inference.GRPCInferenceService/ModelInfer"
            assert (own.name, own.kind, own.parent, own.failed) == (method, "server", int(SPAN, 16), None)
            assert own.facts[rpc_attributes.RPC_SYSTEM_NAME] == rpc_attributes.RpcSystemNameValues.GRPC.value
            assert own.facts[rpc_attributes.RPC_METHOD] == method
            assert own.facts[rpc_attributes.RPC_RESPONSE_STATUS_CODE] == "OK"
            assert own.facts["homeostat.prediction_ids"] == [rig.records()[0].prediction_id]
            assert tuple(below) == STAGES
            for metadata in (NOW, (*NOW, ("traceparent", UNSAMPLED)), (*NOW, ("traceparent", "x"))):
                await line.infer(typed(inputs([ROW])), metadata=metadata)
            assert kept.spans == []

    traced(tmp_path, scenario)


def test_a_refused_call_over_grpc_says_why_and_counts_as_failed_only_where_the_standard_says(tmp_path: Path) -> None:
    async def scenario(rig: Rig, kept: Kept) -> None:
        async with line_to(rig, tracer=Tracer(kept, 1.0)) as (line, _):
            await line.infer(typed(inputs([ROW]), model_name="early"))
            own, _ = await kept.taken()
            assert (own.facts["rpc.response.status_code"], own.facts["homeostat.error.code"]) == (
                "NOT_FOUND",
                "not_found",
            )
            assert own.failed is None
            await rig.route(generation=2, champion=None)
            await line.infer(typed(inputs([ROW])))
            own, _ = await kept.taken()
            assert (own.facts["rpc.response.status_code"], own.failed) == ("UNAVAILABLE", "unavailable")

    traced(tmp_path, scenario)


def test_what_the_caller_decided_is_obeyed_and_else_the_share(tmp_path: Path) -> None:
    async def scenario(rig: Rig, kept: Kept) -> None:
        for share, header, traces in (
            (1.0, UNSAMPLED, 0), (0.0, SAMPLED, 1), (0.0, "", 0), (1.0, "", 1), (1.0, "x", 1), (0.0, "x", 0),
            (1.0, f"{UNSAMPLED}\n{UNSAMPLED}", 1),
        ):  # fmt: skip
            rig.doors._tracer = Tracer(kept, share)  # type: ignore[attr-defined]
            given = {**NOW_HEADER, "traceparent": header} if header else NOW_HEADER
            assert (await rig.ask("POST", PREDICT, GOOD, given)).status == 200
            assert len([one for one in kept.spans if one.kind == "server"]) == traces, (share, header)
            if traces and header != SAMPLED:
                assert (kept.spans[0].parent, kept.spans[0].place.trace_id == int(TRACE, 16)) == (0, False)
            kept.spans.clear()
        assert [one.trace_id for one in rig.records()].count(None) == 4 - 1

    traced(tmp_path, scenario)


def test_of_many_that_begin_here_the_share_is_kept(tmp_path: Path) -> None:
    tracer = Tracer(Kept(), 0.1)
    found = [tracer.begin(None) for _ in range(20_000)]
    traces = [one.place.trace_id for one in found if one]
    assert 1_700 < len(traces) < 2_300
    assert len(set(traces)) == len(traces)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "stage"),
    [
        ("POST", PREDICT, b"{", 400, "invalid_input", "decode"),
        ("POST", PREDICT, b'{"rows": [{"flight_id": "secret-7"}]}', 422, "contract_broken", "check"),
        ("POST", "/loops/early/predict", GOOD, 404, "not_found", "check"),
        ("GET", PREDICT, b"", 405, "method_not_allowed", None),
        ("GET", "/secret-7", b"", 404, "not_found", None),
        ("BREW", "/health/live", b"", 405, "method_not_allowed", None),
    ],
)
def test_a_refusal_is_no_failure_of_the_server_and_the_stage_that_refused_is_seen(
    tmp_path: Path, method: str, path: str, body: bytes, status: int, code: str, stage: str | None
) -> None:
    async def scenario(rig: Rig, kept: Kept) -> None:
        assert (await rig.ask(method, path, body, HEADERS)).status == status
        own, below = kept.take()
        assert own.facts["http.response.status_code"] == status
        assert (own.facts["homeostat.error.code"], own.failed) == (code, None)
        assert error_attributes.ERROR_TYPE not in own.facts
        assert {name: one.failed for name, one in below.items() if one.failed} == ({stage: code} if stage else {})
        assert own.name.split(" ")[0] == ("HTTP" if method == "BREW" else method)
        assert "secret" not in own.name

    traced(tmp_path, scenario)


def test_a_failure_is_one_and_the_stages_before_it_are_there(tmp_path: Path) -> None:
    async def scenario(rig: Rig, kept: Kept) -> None:
        async def full(records: object) -> None:
            raise SpoolFull("It is full of secret-7.", mend="Wait.")

        rig.spool.append = full  # type: ignore[method-assign, assignment]
        assert (await rig.ask("POST", PREDICT, GOOD)).status == 503
        own, below = kept.take()
        assert (own.failed, own.facts["error.type"]) == ("spool_full", "spool_full")
        assert [(name, one.failed) for name, one in below.items()] == [
            ("decode", None), ("check", None), ("features", None), ("predict", None), ("log", "spool_full"),
        ]  # fmt: skip
        rig.spool.append = None  # type: ignore[method-assign, assignment]
        assert (await rig.ask("POST", PREDICT, GOOD)).status == 500
        own, below = kept.take()
        assert (own.failed, below["log"].failed) == ("TypeError", "TypeError")

    traced(tmp_path, scenario)


def test_no_span_holds_what_was_asked(tmp_path: Path) -> None:
    async def scenario(rig: Rig, kept: Kept) -> None:
        good = {**question(0, **ROW), "flight_id": "secret-7", "distance": 99_731.0}
        assert (await rig.predict(good, query="secret-9")).status == 200
        keyed = {**NOW_HEADER, "idempotency-key": "secret-8"}
        bad = {"rows": [good, {**good, "hour": 99_732}]}
        assert (await rig.ask("POST", PREDICT, bad, keyed)).status == 422
        told = repr(kept.spans)
        assert "prediction_ids" in told
        assert not any(secret in told for secret in ("secret", "99731", "99732", "JFK", "UA"))

    traced(tmp_path, scenario)


def test_a_request_of_thousands_of_rows_has_a_span_of_bounded_size(tmp_path: Path) -> None:
    async def scenario(rig: Rig, kept: Kept) -> None:
        rig_rows = [question(place, **ROW) for place in range(400)]
        answer = await rig.predict(*rig_rows)
        assert len(answer.json["predictions"]) == 400
        own, _ = kept.take()
        ids = own.facts["homeostat.prediction_ids"]
        assert isinstance(ids, list)
        assert (own.facts["homeostat.rows"], len(ids)) == (400, 32)
        path = "/" + "x" * 5_000
        await rig.ask("GET", path, b"", {"user-agent": "y" * 5_000})
        own, _ = kept.take()
        assert len(repr(own)) < 2_000

    traced(tmp_path, scenario)


def test_a_retry_that_is_answered_from_what_was_kept_says_so(tmp_path: Path) -> None:
    async def scenario(rig: Rig, kept: Kept) -> None:
        once = {**NOW_HEADER, "idempotency-key": "k"}
        first = await rig.ask("POST", PREDICT, GOOD, once)
        assert kept.take()[0].facts["homeostat.idempotency"] == "first"
        again = await rig.ask("POST", PREDICT, GOOD, once)
        own, below = kept.take()
        assert again.body == first.body
        assert (own.facts["homeostat.idempotency"], below) == ("repeated", {})

    traced(tmp_path, scenario)


def test_an_arm_that_failed_is_named_beside_who_answered(tmp_path: Path) -> None:
    async def scenario(rig: Rig, kept: Kept) -> None:
        rig.metrics.arm_failed("late", "v2", "canary", 1, None)  # outside of any request: nothing to note

        class Broken:
            async def predict(self, columns: object) -> object:
                raise RuntimeError

        save_version(rig.home / "versions", "v2", model(1.0))
        await rig.route(generation=2, champion="v1", canary="v2", share=1.0)
        serving = rig.live.current("late")
        assert serving is not None
        serving.candidates["v2"].predict = Broken().predict  # type: ignore[index, method-assign, assignment]
        assert (await rig.ask("POST", PREDICT, GOOD)).status == 200
        own, _ = kept.take()
        assert (own.facts["homeostat.failed_version"], own.facts["homeostat.versions"]) == ("v2", ["v1"])

    traced(tmp_path, scenario)


def test_a_client_that_leaves_ends_its_span(tmp_path: Path) -> None:
    async def scenario(rig: Rig, kept: Kept) -> None:
        await rig.ask("POST", PREDICT, GOOD, leaves=True)
        own, _ = kept.take()
        assert own.facts["homeostat.error.code"] == "client_left"

    traced(tmp_path, scenario)


def test_what_became_of_spans_is_counted_in_the_metrics(tmp_path: Path) -> None:
    async def scenario(rig: Rig, kept: Kept) -> None:
        rig.metrics.traced = lambda: {"sent": 7, "failed": 0, "dropped": 2}
        assert rig.metric("homeostat_trace_spans_total", outcome="dropped") == 2
        assert rig.metric("homeostat_trace_spans_total", outcome="sent") == 7

    traced(tmp_path, scenario)


def test_the_names_of_methods_are_those_of_the_standard() -> None:
    known = {one.value for one in http_attributes.HttpRequestMethodValues} - {"_OTHER"}
    assert known <= set(METHODS)
