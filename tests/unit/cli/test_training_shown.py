"""What is told of a version's steps, and of a training as it goes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from homeostat.app.clocks import SystemClock
from homeostat.app.home import Home
from homeostat.app.shown.standings import Standings
from homeostat.app.versions.steps import steps_of
from homeostat.cli.context import person
from homeostat.control import transitions
from homeostat.kernel.canonical import canonical_json, plain
from homeostat.kernel.errors import NotFound
from homeostat.kernel.verdicts import REJECT, RETRAIN, Reason, Verdict
from homeostat.registry.manifest import STEPS, hash_files, read_manifest, write_manifest
from homeostat.training.jobs import JobFolder
from homeostat.training.steps import StepRecord
from tests.harness.world import LOOP
from tests.unit.cli.conftest import Command
from tests.unit.serving.parts import save_version

RECORDS = (
    StepRecord("split", "kept", rows={"training": 1200}, seconds=0.5, memory=1 << 28, attempts=1),
    StepRecord("train", "done", seconds=2.25, memory=1 << 29, attempts=2, warnings=("train() reads the clock",)),
)
COST = [{"name": one.name, "state": one.state, "seconds": one.seconds, "memory": one.memory, "attempts": 1}
        for one in RECORDS]  # fmt: skip


@pytest.fixture
def made(home: Home) -> Home:
    """A home whose second version tells its steps."""
    save_version(home.versions, "v2", b"", loop=LOOP)
    folder = home.versions / LOOP / "v2"
    (folder / STEPS).write_bytes(canonical_json([one.lasting for one in RECORDS]))
    write_manifest(replace(read_manifest(folder), files=hash_files(folder)), folder)
    return home


def test_steps_are_told_with_what_was_odd_and_what_is_unknown(command: Command, made: Home) -> None:
    shown = command("versions", "steps", "v2", "--home", made.root)
    assert shown.exit_code == 0, shown.output
    assert "training 1,200" in shown.stdout
    assert "train: train() reads the clock" in shown.stdout
    told = json.loads(command("versions", "steps", "v2", "--home", made.root, "--json").stdout)
    assert [one["seconds"] for one in told["steps"]] == [None, None]


def test_the_decision_of_the_gate_tells_what_they_cost(made: Home) -> None:
    entries = Standings.open(made).store.entries(LOOP)
    signed = StepRecord("sign", "done", {"version": "a"}, {"signature": "b"}, seconds=0.01, memory=1, attempts=1)
    draft = replace(entries[-1].draft, version="v2", evidence={"steps": [*COST, plain(signed)]})
    told = steps_of(made, LOOP, "v2", [*entries, replace(entries[-1], draft=draft)])["steps"]
    assert [(one["state"], one["seconds"]) for one in told] == [("kept", 0.5), ("done", 2.25), ("done", 0.01)]
    assert (told[-1]["takes"], told[-1]["gives"]) == ({"version": "a"}, {"signature": "b"}), "no file can tell of it"


def test_a_version_of_before_says_so(home: Home) -> None:
    save_version(home.versions, "v2", b"", loop=LOOP)
    with pytest.raises(NotFound, match="before steps were kept"):
        steps_of(home, LOOP, "v2", [])


def test_a_training_is_watched_to_its_end(command: Command, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    standings = Standings.open(home)
    state = standings.state(LOOP)
    state = standings.store.commit(state, replace(state, rollout=None, retraining=None), (), ())
    asked = transitions.ask_retraining(state, Verdict(RETRAIN, (Reason("why", 1, 0, "because"),)), 10, {})
    state = standings.store.commit(state, asked.state, asked.drafts, ())
    version = asked.state.retraining.version  # type: ignore[union-attr]
    place = JobFolder(home.jobs / LOOP / version)
    place.root.mkdir(parents=True)
    place.steps.write_bytes(canonical_json([replace(RECORDS[0]), replace(RECORDS[1], state="running", done=3, of=7)]))
    place.log.write_text("   0.1 s  reading tables\n")
    looks: list[str] = []

    def ended(seconds: float) -> None:
        """Time passes: the training says more, then is turned away."""
        looks.append("look")
        now = standings.state(LOOP)
        assert (standings.activity(LOOP) or {})["log"][0].endswith("reading tables")
        steps = (standings.activity(LOOP) or {})["steps"]
        assert (steps[1]["done"], [one["name"] for one in steps[2:]]) == (3, ["sign", "register"])
        if len(looks) == 1:
            place.log.write_text("   0.1 s  reading tables\n   2.5 s  training on 800 rows\n")
            return
        verdict = Verdict(REJECT, (Reason("no_better", 0, 0, "skill 0 <= 0"),))
        done = transitions.reject(now, verdict, 11, {})
        standings.store.commit(now, done.state, done.drafts, ())

    monkeypatch.setattr("homeostat.cli.training.time.sleep", ended)
    shown = command("retrain", "watch", "--home", home.root)
    assert shown.exit_code == 0, shown.output
    assert shown.stderr.count("reading tables") == 1
    assert "training on 800 rows" in shown.stderr
    assert "skill 0 <= 0" in shown.stdout
    assert "No training is under way." in command("retrain", "watch", "--home", home.root).stderr


def test_a_training_that_a_person_asks_for_is_on_record_and_waits_for_no_policy(command: Command, home: Home) -> None:
    refused = command("retrain", "now", "--reason", "new timetable", "--home", home.root, "--yes", "--json")
    assert refused.exit_code == 1
    assert "v3 under way, and looks at one candidate at a time" in refused.stderr
    standings = Standings.open(home)
    state = standings.state(LOOP)
    standings.store.commit(state, replace(state, rollout=None, retraining=None), (), ())
    aborted = command("retrain", "now", "--reason", "new timetable", "--home", home.root, answer="n")
    assert (aborted.exit_code, standings.state(LOOP).retraining) == (1, None)
    before = SystemClock().now()
    done = command("retrain", "now", "--reason", "new timetable", "--home", home.root, "--json", "--yes")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    asked = standings.state(LOOP).retraining
    assert asked is not None
    assert (asked.version, asked.because) == (told["version"], "asked_for") == ("v4", "asked_for")
    assert before <= asked.asked_at <= SystemClock().now()
    assert asked.asked_at in standings.state(LOOP).trainings, "it counts in the budget"
    shown = json.loads(command("decisions", "--home", home.root, "--json").stdout)[-1]
    assert (shown["kind"], shown["actor"], shown["verdict"]) == ("retrain", person(), "RETRAIN")
    assert shown["reasons"] == [f"asked for by {person()}: new timetable"]
    assert "v4" in command("decisions", "explain", str(shown["seq"]), "--home", home.root).stdout
    again = command("retrain", "now", "--home", home.root, "--yes")
    assert again.exit_code == 1
    assert "v4 under way" in again.stderr
