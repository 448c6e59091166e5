"""Every request gets its answer or an error that says how to mend it; never a fault of ours."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from homeostat.app.clocks import SystemClock
from homeostat.kernel.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable
from tests.contract.test_spool import files_limited_to
from tests.unit.serving.conftest import WithRig
from tests.unit.serving.late import question
from tests.unit.serving.rig import GOOD, NOW_HEADER, PREDICT, Rig


def test_a_good_request_is_answered_and_lenient_about_headers(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        for headers in (
            {},
            {"content-type": "text/plain"},
            {"content-type": "\xff"},
            {"content-length": "x"},
        ):
            answer = await rig.ask("POST", PREDICT, GOOD, {**NOW_HEADER, **headers})
            assert answer.status == 200
            (found,) = answer.json["predictions"]
            own = {"prediction", "probability", "prediction_id", "version", "arm", "defaulted", "warnings"}
            assert set(found) == own
            assert answer.headers["content-length"] == str(len(answer.body))
        chunks = [GOOD[:10], b"", GOOD[10:]]
        assert (await rig.ask("POST", PREDICT, chunks=chunks)).status == 200
        doubled = GOOD.replace(b'"hour": 8', b'"hour": 7, "hour": 8')
        assert (await rig.ask("POST", PREDICT, doubled)).status == 200

    with_rig(scenario)


def test_a_body_over_the_limit_is_refused_and_an_endless_one_is_not_read(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        part = b" " * 40_000
        for path in (PREDICT, "/tables/arrivals/events"):
            announced = await rig.ask("POST", path, GOOD, {**NOW_HEADER, "content-length": "9" * 30})
            streamed = await rig.ask("POST", path, chunks=[part] * 3)
            endless = await rig.ask("POST", path, chunks=[part] * 100)
            for answer in (announced, streamed, endless):
                assert (answer.status, answer.error["code"]) == (413, "too_large")
                assert answer.headers["connection"] == "close"
            assert (announced.reads, streamed.reads) == (0, 3)
            assert endless.reads < 20
        assert rig.recorder.events_given == []

    with_rig(scenario)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", PREDICT, "POST"),
        ("DELETE", "/tables/arrivals/events", "POST"),
        ("POST", "/health/live", "GET, HEAD"),
        ("PUT", "/metrics", "GET, HEAD"),
        ("\u00e9", PREDICT, "POST"),
    ],
)
def test_another_method_is_405_with_the_allowed_ones(
    with_rig: WithRig[object], method: str, path: str, allow: str
) -> None:
    async def scenario(rig: Rig) -> None:
        answer = await rig.ask(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, allow)
        assert answer.error["code"] == "method_not_allowed"

    with_rig(scenario)


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/loops/late",
        "/loops//predict",
        "/loops/late/predict/",
        "/\ufffd",
        "/health/",
        "",
        "*",
        "/apix",
    ],
)
def test_an_unknown_path_is_404_and_lists_the_doors(with_rig: WithRig[object], path: str) -> None:
    async def scenario(rig: Rig) -> None:
        answer = await rig.ask("GET", path)
        assert answer.status == 404
        assert "POST /loops/{loop}/predict" in answer.error["mend"]

    with_rig(scenario)


def test_unknown_loops_are_404_and_do_not_become_labels(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        for loop in ("lat", "\ufffd\ufffd", "a b", "..", "%zz"):
            answer = await rig.ask("POST", f"/loops/{loop}/predict", GOOD)
            assert (answer.status, answer.error["code"]) == (404, "not_found")
        assert rig.metric("homeostat_requests_total", door="predict", loop="", status="404") == 5
        assert b'loop="lat"' not in rig.metrics.exposition()

    with_rig(scenario)


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        ("/", "", "http://127.0.0.1:9999/"),
        ("/api/loops", "a=1&b=%20", "http://127.0.0.1:9999/api/loops?a=1&b=%20"),
        ("/docs", "", "http://127.0.0.1:9999/docs"),
        ("/static/\u00e9\r\nSet-Cookie: x", "\r\n\xff", "http://127.0.0.1:9999/static/%C3%A9%0D%0ASet-Cookie:%20x?%0D%0A%C3%BF"),
    ],
)  # fmt: skip
def test_browsers_are_shown_to_the_control_plane(
    with_rig: WithRig[object], path: str, query: str, location: str
) -> None:
    async def scenario(rig: Rig) -> None:
        for method in ("GET", "POST"):
            answer = await rig.ask(method, path, query=query)
            assert (answer.status, answer.headers["location"]) == (307, location)

    with_rig(scenario)


def test_events_go_to_the_recorder_untouched_with_the_present(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        body = b'  {"rows": [NaN, anything at all \xff'
        answer = await rig.ask("POST", "/tables/arrivals/events", body)
        assert (answer.status, answer.json) == (200, {"accepted": 1})
        assert rig.recorder.events_given == [("arrivals", body, 1_359_723_600_000_000)]

    with_rig(scenario)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unavailable("The recorder is down.", mend="Wait."), 503),
        (NotFound("No table.", mend="Known: arrivals."), 404),
        (InvalidInput("Bad.", mend="Mend.", value="\ud800", odd=object), 400),
        (Conflict("Lost.", mend="Again."), 409),
        (Refused("No.", mend="Ask."), 403),
    ],
)
def test_an_error_of_the_recorder_keeps_its_meaning(with_rig: WithRig[object], error: Any, status: int) -> None:
    async def scenario(rig: Rig) -> None:
        rig.recorder.error = error
        answer = await rig.ask("POST", "/tables/arrivals/events", b"{}")
        assert (answer.status, answer.error["code"]) == (status, error.code)
        assert ("retry-after" in answer.headers) == (status == 503)

    with_rig(scenario)


def test_a_table_of_odd_name_reaches_the_recorder_as_text(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        for table in ("\ufffd", "%zz", "a\0b", "."):
            assert (await rig.ask("POST", f"/tables/{table}/events", b"{}")).status == 200

    with_rig(scenario)


def test_refused_rows_are_kept_apart_off_the_reply_path(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        assert (await rig.predict(question(0), question(1, hour=10**30))).status == 422
        await rig.refused.settle()
        ((table, body, now),) = rig.recorder.refused_given
        assert (table, now) == ("departures", 1_359_723_600_000_000)
        assert json.loads(body) == {"rows": [question(1, hour=10**30)]}
        rig.recorder.error = Unavailable("down", mend="wait")
        assert (await rig.predict(question(1, hour=77))).status == 422

    with_rig(scenario)


def test_before_the_first_version_predict_says_to_come_back(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        answer = await rig.predict(question())
        assert answer.status == 503
        assert "nothing was said of a first version" in answer.error["problem"]
        ready = await rig.ask("GET", "/health/ready")
        assert (ready.status, ready.json["ready"]) == (503, False)
        assert (await rig.ask("GET", "/health/live")).status == 200

    with_rig(scenario)


def test_a_full_disk_is_503_until_there_is_room(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        with files_limited_to(100):
            answer = await rig.predict(question())
        assert answer.status == 503
        assert "Make room" in answer.error["mend"]
        assert (await rig.predict(question())).status == 200

    with_rig(scenario)


def test_a_missing_online_store_is_503(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        rig.store.close()
        for path in rig.home.glob("online.sqlite*"):
            path.unlink()
        assert (await rig.predict(question())).status == 503

    with_rig(scenario)


def test_ready_tells_what_is_served_and_what_is_wrong(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=3, champion="v1")
        ready = await rig.ask("GET", "/health/ready")
        fine = {
            "generation": 3,
            "champion": "v1",
            "canary": None,
            "share": 0.0,
            "standby": None,
            "problem": None,
        }
        assert (ready.status, ready.json) == (200, {"ready": True, "loops": {"late": fine}})
        await rig.route(generation=4, champion="v7")
        ready = await rig.ask("GET", "/health/ready")
        assert ready.status == 200
        assert ready.json["loops"]["late"]["generation"] == 3
        assert "v7" in ready.json["loops"]["late"]["problem"]
        assert rig.metric("homeostat_route_problem", loop="late") == 1
        assert rig.metric("homeostat_route_generation", loop="late") == 3

    with_rig(scenario)


def test_head_sends_the_headers_alone(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        answer = await rig.ask("HEAD", "/health/live")
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "13")

    with_rig(scenario)


def test_a_body_that_ends_halfway_is_told_so_and_harms_nobody(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        assert (await rig.ask("POST", PREDICT, GOOD[:20], leaves=True)).status == 400
        assert rig.metric("homeostat_requests_total", door="predict", loop="late", status="499") == 1
        assert rig.records() == []
        await rig.doors.idle(1.0)
        assert (await rig.ask("POST", PREDICT, GOOD)).status == 200

    with_rig(scenario)


def test_a_fault_of_ours_says_nothing_of_its_inside(
    with_rig: WithRig[object], caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(rig: Rig) -> None:
        rig.recorder.error = KeyError("secret")  # type: ignore[assignment]
        answer = await rig.ask("POST", "/tables/arrivals/events", b"{}")
        assert answer.status == 500
        assert b"secret" not in answer.body
        assert "secret" in caplog.text

    with_rig(scenario)


def test_metrics_count_what_happened(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.route(generation=1, champion="v1")
        await rig.predict(question(0), question(1))
        await rig.predict(question(0, hour=99))
        answer = await rig.ask("GET", "/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        assert b"homeostat_predict_seconds_bucket" in answer.body
        assert rig.metric("homeostat_requests_total", door="predict", loop="late", status="200") == 1
        assert rig.metric("homeostat_requests_total", door="predict", loop="late", status="422") == 1
        assert rig.metric("homeostat_predictions_total", loop="late", version="v1", arm="champion") == 2
        assert rig.metric("homeostat_spool_bytes") > 0

    with_rig(scenario)


@pytest.mark.parametrize("value", ["yesterday", "2013-02-01", "2013-02-01T13:00:00", "\xff", "", "1359723600"])
def test_a_bad_replay_time_is_refused(with_rig: WithRig[object], value: str) -> None:
    async def scenario(rig: Rig) -> None:
        answer = await rig.ask("POST", PREDICT, GOOD, {"homeostat-now": value})
        assert (answer.status, answer.error["code"]) == (400, "invalid_input")

    with_rig(scenario)


def test_a_replay_that_has_not_begun_asks_for_its_time(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        answer = await rig.ask("POST", PREDICT, GOOD, {})
        assert answer.status == 400
        assert "Homeostat-Now" in answer.error["mend"]

    with_rig(scenario)


def test_the_system_clock_is_not_moved_by_a_header(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path, clock=SystemClock())
        try:
            await rig.route(generation=1, champion="v1")
            refused = await rig.ask("POST", PREDICT, GOOD)
            assert refused.status == 400
            assert "system clock" in refused.error["problem"]
            assert (await rig.ask("POST", PREDICT, GOOD, {})).status in (200, 422)
        finally:
            await rig.close()

    asyncio.run(scenario())


def test_labels_are_handed_to_the_recorder_and_counted_and_no_loop_is_made_up(with_rig: WithRig[object]) -> None:
    async def scenario(rig: Rig) -> None:
        body = {"labels": [{"prediction_id": "p", "label": True}]}
        told = await rig.ask("POST", "/loops/late/labels", body)
        assert (told.status, told.json["accepted"]) == (200, 1)
        assert [(loop, json.loads(sent)) for loop, sent, _ in rig.recorder.events_given] == [("late", body)]
        assert rig.metric("homeostat_labels_total", loop="late", outcome="accepted") == 1
        assert rig.metric("homeostat_labels_total", loop="late", outcome="refused") == 1
        assert (await rig.ask("POST", "/loops/lat/labels", body)).status == 404
        rig.recorder.error = Unavailable("The recorder is not running.", mend="Send it again.")
        assert (await rig.ask("POST", "/loops/late/labels", body)).status == 503

    with_rig(scenario)
