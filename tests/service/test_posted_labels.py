"""A loop whose truth is posted: trained, told and corrected through the real doors, by key and by prediction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from homeostat.kernel.clock import format_instant
from tests.harness.running import Running, started, until
from tests.harness.world import HOUR, LOOP, LOOP_FILE, World, day, write_loop

pytestmark = pytest.mark.service

NOW = day(7)
TABLE = f"{LOOP}_labels"
TEXT = LOOP_FILE.replace(
    'hs.Label(purchases, "spent > 10", matures="2h after due")', "hs.Label.posted(matures='2h after due')"
).replace('    name="visits",\n    question', '    name="visits",\n    ask_by_key=True,\n    question')
Row = dict[str, Any]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A week of questions and posted labels; a champion that learnt from these."""
    folder, world = tmp_path_factory.mktemp("posted"), World()
    assert "posted" in TEXT
    assert "ask_by_key" in TEXT
    with started(folder / "home", write_loop(folder, text=TEXT)) as found:
        for number in range(7):
            parts = list(world.hours(number, number + 1))
            told = [
                {"visit": one["visit"], "label": one["spent"] > 10, "at": one["at"]}
                for part in parts
                for one in part[2]
            ]
            post(found, told, day(number + 1)).raise_for_status()
            for table, place in (("purchases", 2), ("visits", 1)):
                found.send(table, [row for part in parts for row in part[place]], day(number + 1)).raise_for_status()
        found.barrier(NOW)
        yield found


def post(running: Running, labels: list[Row], now: int = NOW, loop: str = LOOP) -> httpx.Response:
    header = {"Homeostat-Now": format_instant(now)}

    def tried() -> httpx.Response | None:
        reply = running.doors.post(f"/loops/{loop}/labels", json={"labels": labels}, headers=header)
        return None if reply.status_code == 503 else reply

    found: httpx.Response = until(tried)
    return found


def asked(running: Running, *names: str) -> list[str]:
    """Ask about visits; the ids of the predictions."""
    moment, due = format_instant(NOW), format_instant(NOW + HOUR)
    rows = [{"visit": name, "at": moment, "due": due, "x": 0.5, "shop": "north"} for name in names]
    return [one["prediction_id"] for one in running.ask(rows, NOW).raise_for_status().json()["predictions"]]


def facts(running: Running, visit: str) -> list[Row]:
    """What the label's table holds of a visit, oldest first."""
    rows = running.command("tables", "show", TABLE, "--history", visit)["rows"]
    return [one["row"] for one in rows]


def test_a_first_version_is_trained_from_posted_labels(running: Running) -> None:
    told = running.overview()
    assert told["route"]["champion"] == "v1"
    assert told["champion"]["promise"]["skill"] > 0.1


def test_a_label_by_prediction_id_is_taken_before_and_after_the_prediction_is_stored(running: Running) -> None:
    (first,) = asked(running, "spooled")
    taken = post(running, [{"prediction_id": first, "label": True}]).raise_for_status().json()
    assert (taken["accepted"], taken["refused_rows"]) == (1, 0)
    running.barrier(NOW)  # stores everything
    (one,) = asked(running, "spooled too")
    both = [{"prediction_id": first, "label": True}, {"prediction_id": one, "label": False}]
    taken = post(running, both).raise_for_status().json()
    assert (taken["accepted"], taken["duplicates"]) == (1, 1)
    running.barrier(NOW)
    assert facts(running, "spooled") == [{"visit": "spooled", "label": True, "at": format_instant(NOW)}]
    assert facts(running, "spooled too")[0]["label"] is False


def test_a_retried_label_counts_once_and_a_later_one_corrects(running: Running) -> None:
    (name,) = asked(running, "corrected")
    for now, label in ((NOW, True), (NOW + HOUR, True), (NOW + HOUR, False)):
        post(running, [{"prediction_id": name, "label": label}], now).raise_for_status()
    running.barrier(NOW + HOUR)
    assert [one["label"] for one in facts(running, "corrected")] == [True, False]


def test_labels_that_name_nothing_are_refused_by_name_and_the_others_are_taken(running: Running) -> None:
    (name,) = asked(running, "known")
    sent = [
        {"prediction_id": "018cc8a0-0000-7000-8000-000000000000", "label": True},
        {"prediction_id": name, "label": True},
        {"prediction_id": name, "visit": "known", "label": True},
        {"visit": "other", "label": "yes"},
        {"visit": "another", "label": False},
        7,
    ]
    told = post(running, sent).raise_for_status().json()
    assert (told["accepted"], told["refused_rows"], told["quarantined_rows"]) == (2, 3, 1)
    assert [(one["row"], one["reason"]) for one in told["refused"]] == [
        (0, "unknown_prediction"),
        (2, "named_twice"),
        (5, "not_an_object"),
    ]
    assert [(one["row"], one["column"]) for one in told["quarantined"]] == [(3, "label")]
    assert "018cc8a0-0000-7000-8000-000000000000" in told["refused"][0]["problem"]


def test_a_request_of_which_nothing_can_be_taken_is_an_error_that_names_every_label(running: Running) -> None:
    unknown = post(running, [{"prediction_id": "nobody", "label": True}])
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
    assert "'nobody'" in unknown.json()["error"]["problem"]
    mixed = post(running, [{"prediction_id": "nobody", "label": True}, {"visit": "v"}])
    assert mixed.status_code == 422
    breaks = mixed.json()["error"]["facts"]["breaks"]
    assert [(one["row"], one["reason"]) for one in breaks] == [(1, "missing_column"), (0, "unknown_prediction")]
    assert post(running, []).status_code == 400
    assert post(running, [{"visit": "v", "label": True}], loop="visit").json()["error"]["facts"]["loop"] == "visit"


def test_what_was_told_is_counted(running: Running) -> None:
    (name,) = asked(running, "counted")
    post(running, [{"prediction_id": name, "label": True}, {"prediction_id": "x", "label": True}]).raise_for_status()
    told = running.doors.get("/metrics").text
    for outcome in ("accepted", "refused"):
        assert re.search(rf'^homeostat_labels_total{{.*outcome="{outcome}".*}} [1-9]', told, re.MULTILINE)


def test_a_row_that_was_sent_as_an_event_is_asked_about_by_its_key_and_answered_as_the_row_is(running: Running) -> None:
    moment, due = format_instant(NOW), format_instant(NOW + HOUR)
    row = {"visit": "by key", "at": moment, "due": due, "x": 1.5, "shop": "south"}
    running.send("visits", [{**row, "x": -1.5}], NOW).raise_for_status()
    running.send("visits", [row], NOW).raise_for_status()
    by_row = running.ask([row], NOW).raise_for_status().json()["predictions"][0]
    header = {"Homeostat-Now": moment}
    for keys in (["by key"], [{"visit": "by key"}]):
        reply = running.doors.post(f"/loops/{LOOP}/predict", json={"keys": keys}, headers=header)
        (by_key,) = reply.raise_for_status().json()["predictions"]
        assert {**by_key, "prediction_id": ""} == {**by_row, "prediction_id": ""}
    unknown = running.doors.post(f"/loops/{LOOP}/predict", json={"keys": ["by key", "nobody"]}, headers=header)
    assert (unknown.status_code, unknown.json()["error"]["facts"]["keys"]) == (404, ["nobody"])


def test_a_label_that_was_acknowledged_survives_the_recorder(running: Running) -> None:
    (name,) = asked(running, "survives")
    post(running, [{"prediction_id": name, "label": True}]).raise_for_status()
    running.kill("recorder")
    again = post(running, [{"prediction_id": name, "label": True}]).raise_for_status().json()
    assert (again["accepted"], again["duplicates"]) == (0, 1)
