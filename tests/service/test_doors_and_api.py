"""What a running Homeostat answers to bad input, over real HTTP: a clear error with its mend, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from homeostat.kernel.clock import format_instant
from tests.harness.first import FIRST, first_home
from tests.harness.running import Running, started, until
from tests.harness.world import DAY, HOUR, LOOP, LOOP_FILE, World, day, write_loop

pytestmark = pytest.mark.service

NOW = day(7)
WORLD = World()
TEXT = LOOP_FILE.replace("hs.number(-50, 50)", "hs.number(-50, 50, nullable=True)")
PREDICT, EVENTS = f"/loops/{LOOP}/predict", "/tables/visits/events"
Row = dict[str, Any]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A week of history, a champion that serves."""
    folder = tmp_path_factory.mktemp("doors")
    with started(first_home(folder / "home"), write_loop(folder, text=TEXT)) as found:
        found.history(WORLD, FIRST, 7)
        found.barrier(NOW)
        assert found.overview()["route"]["champion"] == "v1"
        yield found


def visit(name: str, **changes: Any) -> Row:
    """A question that is in order, but for the changes; a change to ``...`` leaves the column out."""
    row = {"visit": name, "at": format_instant(NOW), "due": format_instant(NOW + HOUR), "x": 0.5, "shop": "north"}
    return {column: value for column, value in {**row, **changes}.items() if value is not ...}


def post(running: Running, path: str, body: bytes, now: str | None = None) -> httpx.Response:
    """Send bytes as they are."""
    return running.doors.post(path, content=body, headers={"Homeostat-Now": now or format_instant(NOW)})


def problem(reply: httpx.Response, status: int, code: str) -> Row:
    """The error of a reply, in the one shape of all errors."""
    assert reply.status_code == status, reply.text
    error: Row = reply.json()["error"]
    assert set(error) == {"code", "problem", "mend", "facts"}
    assert error["code"] == code
    assert error["problem"].rstrip().endswith((".", "?"))
    assert error["mend"]
    assert "Traceback" not in reply.text
    return error


BODIES = {
    "empty": (b"", "mpty|not JSON"),
    "malformed": (b'{"rows": [', "JSON"),
    "NaN": (b'{"rows": [{"x": NaN}]}', "NaN"),
    "Infinity": (b'{"rows": [{"x": -Infinity}]}', "Infinity"),
    "no rows": (b'{"rows": []}', "no rows"),
    "rows are no list": (b'{"rows": {"x": 1}}', "rows|array"),
    "a list": (b"[1, 2]", "object"),
    "more than rows": (b'{"rows": [], "now": 1}', "now"),
    "nested too deeply": (b'{"rows": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
    "not UTF-8": (b'{"rows": [{"visit": "\xff\xfe"}]}', "UTF-8|JSON"),
}


@pytest.mark.parametrize("path", [PREDICT, EVENTS])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_rows_is_refused_by_both_doors(running: Running, path: str, name: str) -> None:
    body, said = BODIES[name]
    error = problem(post(running, path, body), 400, "invalid_input")
    assert any(word in error["problem"] for word in said.split("|")), error


@pytest.mark.parametrize("path", [PREDICT, EVENTS])
def test_a_body_over_the_limit_is_refused_by_both_doors(running: Running, path: str) -> None:
    error = problem(post(running, path, b" " * (8 * 1024 * 1024 + 1)), 413, "too_large")
    assert error["facts"]["limit_bytes"] == 8 * 1024 * 1024


@pytest.mark.parametrize("path", [PREDICT, EVENTS])
def test_more_rows_than_are_taken_at_once_are_refused_by_both_doors(running: Running, path: str) -> None:
    body = json.dumps({"rows": [visit(str(number)) for number in range(10_001)]}).encode()
    assert problem(post(running, path, body), 413, "too_large")["facts"]["limit"] == 10_000


BROKEN: dict[str, tuple[Row, str, str]] = {
    "unknown column": ({"shopp": "north"}, "unknown_column", "Did you mean 'shop'?"),
    "missing column": ({"shop": ...}, "missing_column", "required"),
    "text for a number": ({"x": "0.5"}, "wrong_type", "a number"),
    "truth for a number": ({"x": True}, "wrong_type", "a number"),
    "number for a text": ({"visit": 7}, "wrong_type", "a text"),
    "null where it is not allowed": ({"shop": None}, "null_not_allowed", "value"),
    "below the contract": ({"x": -51}, "below_minimum", "at least -50"),
    "above the contract": ({"x": 50.001}, "above_maximum", "at most 50"),
    "no category": ({"shop": "nort"}, "not_a_category", "Did you mean 'north'?"),
    "without time": ({"at": ...}, "missing_column", "required"),
    "time is null": ({"at": None}, "null_not_allowed", "value"),
    "time is no time": ({"at": "yesterday"}, "wrong_type", "a time"),
    "time without offset": ({"at": "2024-01-08T00:00:00"}, "no_offset", "offset"),
    "from the future": ({"at": format_instant(NOW + HOUR)}, "from_the_future", "clock"),
}


@pytest.mark.parametrize("path", [PREDICT, EVENTS])
@pytest.mark.parametrize("name", BROKEN)
def test_a_row_that_breaks_the_contract_is_named_with_its_mend(running: Running, path: str, name: str) -> None:
    changes, reason, mend = BROKEN[name]
    error = problem(_rows(running, path, [visit(f"broken-{name}-{path}", **changes)]), 422, "contract_broken")
    found = error["facts"]["breaks"]
    assert [one["reason"] for one in found] == [reason]
    assert found[0]["column"] in changes
    assert mend in found[0]["mend"]


def test_every_break_of_every_row_is_told_at_once(running: Running) -> None:
    rows = [visit("fine"), visit("two", x="a", shop=None), "no object"]
    error = problem(_rows(running, PREDICT, rows), 422, "contract_broken")
    told = [(one["row"], one["reason"]) for one in error["facts"]["breaks"]]
    assert told == [(1, "wrong_type"), (1, "null_not_allowed"), (2, "not_an_object")]


def test_null_is_missing_where_the_contract_allows_it(running: Running) -> None:
    reply = _rows(running, PREDICT, [visit("null", x=None), visit("absent", x=...)])
    null, absent = reply.raise_for_status().json()["predictions"]
    assert null["probability"] == absent["probability"]
    assert 0 <= null["probability"] <= 1


def test_events_keep_what_is_good_and_set_the_rest_apart(running: Running) -> None:
    before = running.overview()["quarantined"]["visits"]
    rows = [visit("good"), visit("bad", x=99), visit("future", at=format_instant(NOW + DAY)), visit("good too")]
    reply = _rows(running, EVENTS, rows).raise_for_status().json()
    assert (reply["accepted"], reply["duplicates"], reply["quarantined_rows"]) == (2, 0, 2)
    told = [(one["row"], one["reason"]) for one in reply["quarantined"]]
    assert told == [(1, "above_maximum"), (2, "from_the_future")]
    assert running.overview()["quarantined"]["visits"] >= before + 2, "and what the test before was refused for"
    assert [one["reason"] for name in ("bad", "future") for one in kept(running, name)] == [said for _, said in told]
    assert running.control.get("/api/tables/nowhere/quarantine").status_code == 404


def kept(running: Running, name: str) -> list[Row]:
    """The visits of a name that are kept apart; nobody waits for those that the predict door refused."""
    rows = running.control.get("/api/tables/visits/quarantine?limit=1000").raise_for_status().json()["rows"]
    return [one for one in rows if f'"{name}"' in one["content"]]


def test_rows_of_several_tables_are_taken_in_one_request(running: Running) -> None:
    now = {"Homeostat-Now": format_instant(NOW)}
    rows = {"visits": [visit("both")], "purchases": [{"shop": "north"}]}
    told = running.doors.post("/events", json=rows, headers=now).raise_for_status().json()["tables"]
    assert (told["visits"]["accepted"], told["purchases"]["quarantined_rows"]) == (1, 1)
    strange = running.doors.post("/events", json={"visitz": [visit("both too")]}, headers=now)
    assert (strange.status_code, "Did you mean 'visits'" in strange.json()["error"]["mend"]) == (404, True)


def test_kept_rows_are_checked_again_when_asked_and_the_broken_ones_stay(running: Running) -> None:
    _rows(running, EVENTS, [visit("odd", x=98), visit("even")]).raise_for_status()
    path = "/api/tables/visits/quarantine"
    [odd] = kept(running, "odd")
    done = running.control.post(f"{path}/readmit", json={"ids": [odd["id"]]}).raise_for_status().json()
    assert done == {"accepted": 0, "duplicates": 0, "outdated": 0, "broken": 1}
    assert running.control.post(f"{path}/readmit", json={"reason": "no_such"}).json()["broken"] == 0
    assert running.control.post(f"{path}/readmit", json={"ids": ["x"]}).status_code == 400
    assert running.control.post("/api/tables/nowhere/quarantine/readmit", json={}).status_code == 404


def test_rows_refused_at_the_predict_door_are_set_apart_too(running: Running) -> None:
    _rows(running, PREDICT, [visit("asked well"), visit("odd one", x=-1_000)])
    until(lambda: [one["reason"] for one in kept(running, "odd one")] == ["below_minimum"])
    assert kept(running, "asked well") == []


def test_an_event_sent_again_changes_nothing(running: Running) -> None:
    rows = [visit("twice"), visit("twice too")]
    first = _rows(running, EVENTS, rows).raise_for_status().json()
    again = _rows(running, EVENTS, [*rows, visit("new")]).raise_for_status().json()
    assert (first["accepted"], first["duplicates"]) == (2, 0)
    assert (again["accepted"], again["duplicates"]) == (1, 2)
    assert (again["first_sequence"], again["last_sequence"]) == (first["last_sequence"] + 1,) * 2


@pytest.mark.parametrize(
    ("path", "mend"),
    [
        ("/loops/visit/predict", "Did you mean 'visits'?"),
        ("/tables/purchase/events", "Did you mean 'purchases'?"),
        ("/tables/%2e%2e/events", "Known: purchases, visits."),
        ("/loop/visits/predict", "POST /loops/{loop}/predict"),
    ],
)
def test_unknown_loops_tables_and_doors_are_told_the_known_ones(running: Running, path: str, mend: str) -> None:
    assert mend in problem(_rows(running, path, [visit("a")]), 404, "not_found")["mend"]


@pytest.mark.parametrize("now", ["soon", "2024-01-08", "2024-01-08T00:00:00"])
def test_a_present_that_is_no_instant_is_refused(running: Running, now: str) -> None:
    problem(post(running, PREDICT, b'{"rows": []}', now), 400, "invalid_input")


def test_a_label_for_a_question_never_asked_is_a_fact_and_changes_no_figure(running: Running) -> None:
    name = "asked by nobody"
    bought = {"visit": name, "at": format_instant(NOW), "shop": "north", "spent": 20.0}
    before = running.overview()["totals"]
    assert _rows(running, "/tables/purchases/events", [bought]).raise_for_status().json()["accepted"] == 1
    running.barrier(NOW)
    assert running.overview()["totals"] == before


def test_every_label_that_counts_belongs_to_a_prediction(running: Running) -> None:
    """Runs the eighth and ninth day: of those asked, all but the strangers above are labelled."""
    asked = [row for _, visits, _ in WORLD.hours(7, 8) for row in visits]
    for now, visits, purchases in WORLD.hours(7, 9):
        running.send("purchases", purchases, now).raise_for_status()
        if now <= day(8):
            running.ask(visits, now).raise_for_status()
    running.barrier(day(9))
    windows = running.control.get(f"/api/loops/{LOOP}/windows").json()["windows"]
    eighth = next(one for one in windows if one["day"] == "2024-01-08")
    assert (eighth["labelled"], eighth["rows"], eighth["unlabelled"]) == (len(asked), len(asked) + 2, 2)
    assert eighth["violations"] >= len(BROKEN)


def test_metrics_are_prometheus_and_count_what_was_refused(running: Running) -> None:
    reply = running.doors.get("/metrics").raise_for_status()
    assert reply.headers["content-type"].startswith("text/plain; version=")
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }
    names = {name for name, _ in found}
    assert {"homeostat_requests_total", "homeostat_predictions_total", "homeostat_contract_breaks_total"} <= names
    here = ("replica", "r1")
    assert found["homeostat_contract_breaks_total", (("loop", LOOP), ("reason", "no_offset"), here)] >= 1
    assert found["homeostat_route_generation", (("loop", LOOP), here)] == 1
    assert not [label for name, label in found if ("loop", "visit") in label]


def test_the_doors_show_browsers_to_the_dashboard(running: Running) -> None:
    for path in ("/", "/api/loops", "/api/openapi.json?x=1"):
        reply = running.doors.get(path)
        assert reply.status_code == 307
        assert reply.headers["location"] == str(running.control.base_url).rstrip("/") + path
    assert "<title>" in running.doors.get("/", follow_redirects=True).text


ROUTES = (
    *("overview", "route", "serving", "windows", "decisions", "versions", "features", "predictions", "skew", "drift"),
    *("diagnosis", "economics", "performance", "alerts", "backtest", "slices", "lineage"),
)


@pytest.mark.parametrize("what", ROUTES)
def test_the_control_api_tells_the_known_loops(running: Running, what: str) -> None:
    error = problem(running.control.get(f"/api/loops/visit/{what}"), 404, "not_found")
    assert error["mend"] == "Did you mean 'visits'? Known: visits."


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *(("/api/replay/barrier", body) for body in (b"", b"{", b"{}", b'{"now": 5}')),
        ("/api/replay/barrier", b'{"now": "2024-01-08T00:00:00"}'),
        ("/api/replay/barrier", b'{"now": "tomorrow"}'),
        ("/api/replay", b'{"start": "2024-01-08T00:00:00Z"}'),
        (f"/api/loops/{LOOP}/rollback", b'{"reason": ""}'),
        (f"/api/loops/{LOOP}/retrain", b"{}"),
    ],
)
def test_the_control_api_says_what_is_wrong_with_a_body(running: Running, path: str, body: bytes) -> None:
    reply = running.control.post(path, content=body, headers={"Content-Type": "application/json"})
    problem(reply, 400, "invalid_input")


def test_odd_cursors_unknown_routes_and_methods_have_the_same_shape(running: Running) -> None:
    problem(running.control.get(f"/api/loops/{LOOP}/windows?after=x"), 400, "invalid_input")
    problem(running.control.get("/api/frob"), 404, "not_found")
    problem(running.control.get("/static/../../settings.json"), 404, "not_found")
    problem(running.control.delete("/api/loops"), 405, "not_found")


def test_a_rollback_without_a_standby_is_refused(running: Running) -> None:
    reply = running.control.post(f"/api/loops/{LOOP}/rollback", json={"reason": "just to see"})
    assert "standby" in problem(reply, 403, "refused")["mend"]


def test_a_prediction_is_traced_through_the_running_instance(running: Running) -> None:
    reply = _rows(running, PREDICT, [visit("traced")]).raise_for_status().json()["predictions"][0]
    told = running.control.get(f"/api/predictions/{reply['prediction_id']}/why").raise_for_status().json()
    assert (told["loop"], told["agrees"], told["label"]["truth"]) == (LOOP, True, None)
    assert (told["version"]["judged"], told["version"]["code"]["function"][-6:]) == (True, ".train")
    found = told["attributions"]
    assert found["base"] + sum(one["share"] for one in found["features"]) == pytest.approx(reply["probability"])
    assert running.command("why", reply["prediction_id"])["arm"] == told["arm"]


def test_a_decision_is_explained_and_judged_again(running: Running) -> None:
    path = f"/api/loops/{LOOP}/decisions"
    told = running.control.get(f"{path}/1/explanation?replay=true").json()
    assert told["sentence"].startswith("It is time to retrain: no version yet; ")
    assert (told["kind"], told["replay"]["equal"]) == ("bootstrap", True)
    assert running.control.get(f"{path}/1/explanation").json()["replay"] is None
    assert "homeostat decisions" in problem(running.control.get(f"{path}/99/explanation"), 404, "not_found")["mend"]


def test_a_version_that_is_not_there_is_named(running: Running) -> None:
    path = f"/api/loops/{LOOP}/versions/v99"
    assert "v99" in problem(running.control.get(path), 404, "not_found")["problem"]
    assert "v99" in problem(running.control.get(f"{path}/difference?to=v98"), 404, "not_found")["problem"]


@pytest.mark.parametrize("what", ["rollout", "retrain"])
@pytest.mark.parametrize("said", ["approve", "refuse"])
def test_an_answer_to_nothing_is_refused(running: Running, what: str, said: str) -> None:
    path = f"/api/loops/{LOOP}/{what}/{said}"
    assert "homeostat status" in problem(running.control.post(path, json={"reason": "x"}), 403, "refused")["mend"]
    problem(running.control.post(path, json={}), 400, "invalid_input")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8401", "localhost.evil"])
def test_a_foreign_host_name_is_refused(running: Running, host: str) -> None:
    problem(running.control.get("/api/loops", headers={"Host": host}), 403, "refused")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_change_asked_for_by_a_foreign_page_is_refused(running: Running, origin: str) -> None:
    headers = {"Origin": origin}
    reply = running.control.post("/api/replay/barrier", json={"now": format_instant(NOW)}, headers=headers)
    problem(reply, 403, "refused")
    read = running.control.get("/api/loops", headers=headers)
    assert "access-control-allow-origin" not in read.headers


def test_a_change_asked_for_by_the_dashboard_is_done(running: Running) -> None:
    own = str(running.control.base_url).rstrip("/")
    told = {name: format_instant(NOW) for name in ("start", "until", "at")}
    running.control.post("/api/replay", json={**told, "phase": "x"}, headers={"Origin": own}).raise_for_status()


def test_the_control_api_describes_every_route(running: Running) -> None:
    described = running.control.get("/api/openapi.json").raise_for_status().json()
    assert described["info"]["description"]
    found = {(method.upper(), path): one for path, item in described["paths"].items() for method, one in item.items()}
    assert set(found) == {
        ("GET", "/api/loops"),
        *(("GET", f"/api/loops/{{loop}}/{what}") for what in ROUTES),
        ("POST", "/api/loops/{loop}/rollback"),
        ("POST", "/api/loops/{loop}/rollout/approve"),
        ("POST", "/api/loops/{loop}/rollout/refuse"),
        ("GET", "/api/loops/{loop}/decisions/{decision}/explanation"),
        ("GET", "/api/loops/{loop}/versions/{version}"),
        ("GET", "/api/loops/{loop}/versions/{version}/difference"),
        ("GET", "/api/loops/{loop}/approvals"),
        ("POST", "/api/loops/{loop}/release/approve"),
        ("POST", "/api/loops/{loop}/release/refuse"),
        ("GET", "/api/loops/{loop}/versions/{version}/steps"),
        ("POST", "/api/loops/{loop}/retrain"),
        ("POST", "/api/loops/{loop}/retrain/approve"),
        ("POST", "/api/loops/{loop}/retrain/refuse"),
        ("POST", "/api/loops/{loop}/silences"),
        ("POST", "/api/alerts/{alert}/ack"),
        ("POST", "/api/alerts/{alert}/resolve"),
        ("POST", "/api/silences/{silence}/end"),
        ("GET", "/api/ledger/verify"),
        ("GET", "/api/loops/{loop}/features/{feature}"),
        ("GET", "/api/loops/{loop}/predictions/{prediction_id}"),
        ("GET", "/api/predictions/{prediction_id}/why"),
        ("GET", "/api/impact"),
        ("GET", "/api/tables"),
        ("GET", "/api/tables/{table}"),
        ("GET", "/api/tables/{table}/quarantine"),
        ("POST", "/api/tables/{table}/quarantine/readmit"),
        ("POST", "/api/replay"),
        ("POST", "/api/replay/barrier"),
    }
    for route, one in found.items():
        assert one["summary"], route
        assert one["description"].endswith("."), route
        assert all(parameter["description"] for parameter in one.get("parameters", [])), route
        assert one["responses"]["4XX"]["content"]["application/json"]["schema"]["$ref"].endswith("Failure"), route


def test_no_request_above_was_answered_with_a_fault_of_ours(running: Running) -> None:
    assert running.overview()["totals"]["failed_requests"] == 0
    assert 'status="500"' not in running.doors.get("/metrics").text
    for name in ("control", "gateway", "recorder"):
        assert "Traceback" not in (running.home / "process-logs" / f"{name}.log").read_text()


def _rows(running: Running, path: str, rows: list[Any]) -> httpx.Response:
    return post(running, path, json.dumps({"rows": rows}).encode())
