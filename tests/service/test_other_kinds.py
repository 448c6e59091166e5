"""A loop that predicts numbers, from history over doors to a candidate that is judged, in processes of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from homeostat.app.home import Home
from homeostat.app.operations import Operations
from tests.harness.kinds import NUMBER_FILE, Spending, question
from tests.harness.running import Running, started
from tests.harness.world import LOOP, day, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]
OWN = """
def far(labels, answers):
    return abs(labels - answers) > 5


loop = hs.Loop("""
TEXT = NUMBER_FILE.replace("\nloop = hs.Loop(", OWN).replace(
    "    rollout=",
    '    slices=["shop"],\n    metrics=[hs.metric(far)],\n'
    '    feedback=hs.Feedback(acts="prediction > 55", explore="50%"),\n    rollout=',
)
LAST = 11


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Six days of history, a first version, and days on which it answered."""
    folder = tmp_path_factory.mktemp("numbers")
    world = Spending()
    with started(folder / "home", write_loop(folder, text=TEXT)) as found:
        found.history(world, 0, 6)
        found.barrier(day(6))
        found.live(world, 6, LAST)
        yield found


def test_a_number_is_answered_and_explained(running: Running) -> None:
    reply = running.ask([question(LAST * 24 - 1, 1.0), question(LAST * 24 - 1, -1.0)], day(LAST))
    high, low = reply.json()["predictions"]
    assert high["prediction"] == pytest.approx(60, abs=2)
    assert low["prediction"] == pytest.approx(40, abs=2)
    assert "probability" not in high
    assert "probabilities" not in high
    made = running.command("explain", high["prediction_id"])
    assert made["prediction"]["prediction"] == high["prediction"]
    metadata = running.doors.get("/v2/models/visits").json()
    assert {one["name"]: one["datatype"] for one in metadata["outputs"]}["prediction"] == "FP64"


def test_why_tells_by_how_much_a_number_was_off(running: Running) -> None:
    listed = running.control.get(f"/api/loops/{LOOP}/predictions", params={"limit": 1000}).json()["predictions"]
    one = listed[-1]
    label = running.command("why", one["prediction_id"])["label"]
    assert (label["status"], label["right"]) == ("labelled", None)
    assert label["off"] == pytest.approx(one["prediction"] - label["truth"])
    assert abs(label["off"]) < 20


def test_the_first_version_had_to_beat_the_mean(running: Running) -> None:
    gate = next(one for one in running.decisions() if one["kind"] == "gate")
    assert "skill over the mean" in gate["reasons"][0]
    assert running.overview()["champion"]["promise"]["rmse"] == pytest.approx(3, abs=0.5)


def test_it_is_told_how_far_off_it_is_with_labels_and_before_them(running: Running) -> None:
    told = running.command("performance")
    whole = next(one for one in told["realised"] if one["days"] == 14)
    rmse = whole["figures"]["rmse"]
    assert rmse["low"] < rmse["value"] < rmse["high"]
    assert rmse["value"] == pytest.approx(3.0, abs=0.3)
    assert whole["figures"]["skill"]["value"] > 0.8
    assert whole["own"]["far"]["value"] == pytest.approx(0.1, abs=0.05)
    expected = told["estimated"]["figures"]["rmse"]
    assert expected["value"] == pytest.approx(3.0, abs=0.6), json.dumps(told["estimated"])
    for one in told["estimated"]["figures"].values():
        assert one["low"] < one["value"] < one["high"], json.dumps(told["estimated"])
    assert told["estimated"]["figures"].keys() == whole["figures"].keys()
    slices = running.command("slices")
    assert {one["name"] for one in slices["slices"]} == {"shop = north", "shop = south"}
    assert slices["whole"]["figures"]["mae"]["value"] == pytest.approx(2.4, abs=0.3)


def test_where_numbers_are_acted_on_errors_are_learnt_of_days_before(running: Running) -> None:
    days = Operations.open(Home(running.home)).days(LOOP)
    seen = [day.outcomes.feedback for day in days if day.outcomes and day.outcomes.feedback]
    told = [one.foretold for one in seen]
    assert told[:3] == [None] * 3
    assert told[3:]
    for one, foretold in zip(seen[3:], told[3:], strict=True):
        assert foretold is not None
        assert (foretold.every.rows, foretold.stood.rows) == (one.region, pytest.approx(one.region, rel=0.4))
        assert foretold.every.figure("rmse") == pytest.approx(3.0, abs=0.8)
    figures = running.command("performance")["feedback"]["figures"]
    for name in ("rmse", "mae", "skill"):
        assert figures[name]["doubly_robust"]["low"] < figures[name]["doubly_robust"]["value"], json.dumps(figures)


def test_it_is_made_again_and_told_in_its_own_words(running: Running) -> None:
    """Replay, review and economics of numbers."""
    made = running.command("replay", "v1", "--here")
    assert (made["equal"], made["how"]) == (True, "bytes"), json.dumps(made)
    review = running.command("features", "review", "--fast")
    assert (review["loss"], review["unit"]) == ("squared error", "times the best constant's")
    x = next(one for one in review["features"] if one["feature"] == "x")
    assert x["importance"]["v1"]["low"] > 0.5
    asked = {one["input"] for one in running.command("economics")["asks"]}
    assert "skill_value" in asked
    assert not asked & {"false_positive", "false_negative"}
