"""Loops of numbers and of classes on the same questions, from history over doors to a candidate that is let in."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.app.by_hand.operations import Operations
from homeostat.app.ci import material as materials
from homeostat.app.home import Home
from homeostat.app.training.child import _make
from homeostat.kernel.clock import format_instant
from homeostat.training.jobs import JobFolder, TrainingJob, TrainingResult
from tests.harness.kinds import BOTH_FILE, BUYS, Shopping, question
from tests.harness.running import Running, started
from tests.harness.world import LOOP, day, write_loop

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]
OWN = """
def far(labels, answers):
    return abs(labels - answers) > 5


loop = hs.Loop("""
TEXT = BOTH_FILE.replace("\nloop = hs.Loop(", OWN).replace(
    "    rollout=hs.Canary",
    '    slices=["shop"],\n    metrics=[hs.metric(far)],\n'
    '    feedback=hs.Feedback(acts="prediction > 55", explore="50%", weighted=False),\n    rollout=hs.Canary',
)
LAST, WEEKS = 11, 22


class InThisProcess:
    """Does all that a training child does, without the seconds that one takes to start."""

    def run(self, job: TrainingJob, folder: Path) -> TrainingResult:
        folder.mkdir(parents=True)
        return TrainingResult.from_json(_make(job, JobFolder(folder), 1 << 30, folder / "kept", 1 << 30))


def live(found: Running, world: Shopping, first: int, last: int) -> None:
    """Days on which every visit is asked about in both loops."""
    buys = of_classes(found)
    for number in range(first, last):
        for now, visits, purchases in world.hours(number, number + 1):
            for table, rows in (("purchases", purchases), ("visits", visits)):
                found.send(table, rows, now).raise_for_status()
            for one in (found, buys):
                one.ask(visits, now).raise_for_status()
        found.barrier(day(number + 1))


def of_classes(found: Running) -> Running:
    """The other loop of the same installation."""
    other = copy.copy(found)
    other.loop = BUYS
    return other


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Six days of history, first versions, and days on which they answered."""
    folder = tmp_path_factory.mktemp("kinds")
    world = Shopping()
    with started(folder / "home", write_loop(folder, text=TEXT)) as found:
        found.history(world, 0, 6)
        found.barrier(day(6))
        live(found, world, 6, LAST)
        yield found


def test_a_number_is_answered_and_explained(running: Running) -> None:
    reply = running.ask([question(LAST * 24 - 1, 1.0), question(LAST * 24 - 1, -1.0)], day(LAST))
    high, low = reply.json()["predictions"]
    assert high["prediction"] == pytest.approx(60, abs=2)
    assert low["prediction"] == pytest.approx(40, abs=2)
    assert "probability" not in high
    assert "probabilities" not in high
    made = running.command("explain", high["prediction_id"], "--loop", LOOP)
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
    told = running.command("performance", LOOP)
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
    slices = running.command("slices", LOOP)
    assert {one["name"] for one in slices["slices"]} == {"shop = north", "shop = south"}
    assert slices["whole"]["figures"]["mae"]["value"] == pytest.approx(2.4, abs=0.3)
    assert slices["whole"]["figures"]["rmse"]["value"] == pytest.approx(3.0, abs=0.4)
    assert [one["own"]["far"]["value"] for one in slices["slices"]] == pytest.approx([0.1, 0.1], abs=0.05)


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
    figures = running.command("performance", LOOP)["feedback"]["figures"]
    for name in ("rmse", "mae", "skill"):
        assert figures[name]["doubly_robust"]["low"] < figures[name]["doubly_robust"]["value"], json.dumps(figures)


def test_it_is_made_again_and_told_in_its_own_words(running: Running) -> None:
    """Replay, review and economics of numbers."""
    made = running.command("replay", "v1", "--here", "--loop", LOOP)
    assert (made["equal"], made["how"]) == (True, "bytes"), json.dumps(made)
    review = running.command("features", "review", LOOP, "--fast")
    assert (review["loss"], review["unit"]) == ("squared error", "times the best constant's")
    x = next(one for one in review["features"] if one["feature"] == "x")
    assert x["importance"]["v1"]["low"] > 0.5
    asked = {one["input"] for one in running.command("economics", LOOP)["asks"]}
    assert "skill_value" in asked
    assert not asked & {"false_positive", "false_negative"}


def test_a_class_is_answered_explained_and_attributed(running: Running) -> None:
    buys = of_classes(running)
    low, high = buys.ask([question(LAST * 24 - 1, -2.0), question(LAST * 24 - 1, 4.0)], day(LAST)).json()["predictions"]
    assert (low["prediction"], high["prediction"]) == ("nothing", "cake")
    assert sum(high["probabilities"].values()) == pytest.approx(1.0)
    told = running.command("why", high["prediction_id"])
    assert told["prediction"]["probabilities"] == high["probabilities"]
    shares = told["attributions"]
    assert (shares["of"], shares["class"]) == ("probability", "cake")
    whole = shares["base"] + sum(one["share"] for one in shares["features"])
    assert whole == pytest.approx(high["probabilities"]["cake"], abs=1e-6)
    assert shares["features"][0]["feature"] == "x"


def test_classes_are_judged_with_labels_and_before_them(running: Running) -> None:
    first = of_classes(running).overview()["champion"]["promise"]
    assert first["accuracy"] == pytest.approx(0.68, abs=0.1)
    told = running.command("performance", BUYS)
    whole = next(one for one in told["realised"] if one["days"] == 14)["figures"]
    assert whole["accuracy"]["low"] < whole["accuracy"]["value"] < whole["accuracy"]["high"]
    assert whole["skill"]["value"] == pytest.approx(first["skill"], abs=0.15)
    assert told["estimated"]["figures"].keys() == whole.keys()
    assert {one["name"] for one in running.command("slices", BUYS)["slices"]} == {"shop = north", "shop = south"}
    listed = running.control.get(f"/api/loops/{BUYS}/predictions", params={"limit": 1000}).json()["predictions"]
    label = running.command("why", listed[-1]["prediction_id"])["label"]
    assert (label["status"], label["right"]) == ("labelled", label["truth"] == listed[-1]["prediction"])


def test_a_candidate_of_either_kind_is_judged_and_let_in(running: Running) -> None:
    for name in (LOOP, BUYS):
        running.command("retrain", "now", name, "--reason", "a second version", "--yes")
    live(running, Shopping(), LAST, LAST + 2)
    for one in (running, of_classes(running)):
        decided = {entry["kind"]: entry for entry in one.decisions() if entry["version"] == "v2"}
        assert [decided[kind]["verdict"] for kind in ("gate", "canary")] == ["ACCEPT", "ACCEPT"], decided["gate"]
        assert one.overview()["route"]["canary"] == "v2"


@pytest.mark.parametrize(("name", "failing"), [(LOOP, {"leakage": "fail"}), (BUYS, {})])
def test_a_change_is_checked_beside_the_champion(
    running: Running, monkeypatch: pytest.MonkeyPatch, name: str, failing: dict[str, str]
) -> None:
    """Of the numbers, x tells nearly all, which a person has to look at. Trainings are made in this process."""
    monkeypatch.setattr(materials, "TrainingRunner", lambda *_, **__: InThisProcess())
    file = str(running.home.parent / "loop.py")
    checked = running.command("ci", name, "--loop-file", file, code=3 if failing else 0)
    checks = {one["name"]: one for one in checked["checks"]}
    wrong = {name: one["outcome"] for name, one in checks.items() if one["outcome"] != "pass"}
    assert wrong == failing, json.dumps([checks[name] for name in wrong])
    assert ("squared error" if name == LOOP else "log-loss") in checks["champion"]["reasons"][0]


def test_policies_of_classes_are_played_through_weeks_of_which_days_were_not_served(running: Running) -> None:
    running.history(Shopping(), LAST + 2, WEEKS)
    running.barrier(day(WEEKS))
    played = running.command("backtest", BUYS)
    assert len(played["weeks"]) == 2
    assert {"default", "monthly"} <= {one["name"] for one in played["policies"]}
    assert of_classes(running).overview()["decided_until"] == format_instant(day(WEEKS))
