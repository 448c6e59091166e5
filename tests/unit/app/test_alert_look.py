"""What control does about alerts after a look: read once, written once, and never in the way."""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path
from typing import Any, cast

import pytest

from homeostat.adapters.files.replicas import write_replica
from homeostat.app.alerting.beat import read_beat, write_beat
from homeostat.app.alerting.desk import Desk
from homeostat.app.alerting.taking_in import TakingIn
from homeostat.app.alerting.watchman import SILENT_AFTER, PulseWatch
from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.control.alerting import Alerting
from homeostat.app.control.doors import DoorsWatch
from homeostat.app.control.facts import Facts
from homeostat.app.control.service import ControlService
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.settings import Settings
from homeostat.app.shown.showing import Showing
from homeostat.control import transitions
from homeostat.control.loop import Loop
from homeostat.kernel.errors import Unavailable
from homeostat.kernel.verdicts import RETRAIN, Reason, Verdict
from homeostat.monitoring.alerts.alerts import INSTALLATION
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.notices import Cause
from homeostat.monitoring.alerts.readings import Reading
from homeostat.serving.replicas import LoopServed, ReplicaState
from tests.harness.ageing import aged_home
from tests.harness.world import BEGINS, DAY, LOOP

DAYS = 40


class Hand:
    """A clock set by hand."""

    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        return self.at


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return aged_home(tmp_path, days=DAYS)


@pytest.fixture
def operations(home: Home) -> Operations:
    return Operations.open(home)


@pytest.fixture
def loop(home: Home) -> Loop:
    return load_loops(Settings.load(home.root).loop_file)[LOOP]


def silent(operations: Operations, number: int) -> None:
    """One more day, on which nobody asked."""
    state, last = operations.state(LOOP), operations.days(LOOP)[-1]
    inputs = dataclasses.replace(last.inputs, rows=0, asked={})
    start = BEGINS + number * DAY
    made = dataclasses.replace(
        last, day=f"2024-03-{number - 38:02}", start=start, end=start + DAY, mature_at=start + 2 * DAY, inputs=inputs
    )
    operations.store.commit(state, state, (), [dataclasses.replace(made, outcomes=None)])


def test_a_history_from_before_there_were_alerts_wakes_nobody(operations: Operations, loop: Loop) -> None:
    alerting = Alerting.of(operations)
    alerting.look(loop, BEGINS + DAYS * DAY)
    assert [one.rule for one in alerting.store.alerts() if one.severity in ("P0", "P1")] == []
    assert alerting.store.book(LOOP).cursor == DAYS


def test_what_is_new_is_read_once_written_once_and_said_in_the_log(
    operations: Operations, loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    alerting = Alerting.of(operations)
    alerting.look(loop, BEGINS + DAYS * DAY)
    silent(operations, DAYS)
    now = BEGINS + (DAYS + 1) * DAY
    alerting.look(loop, now)
    book = alerting.store.book(LOOP)
    for _ in range(3):
        alerting.look(loop, now)
        Alerting.of(Operations.open(operations.home)).look(loop, now)
    assert alerting.store.book(LOOP) == book
    [alert] = [one for one in alerting.store.alerts(open_only=True) if one.rule == "stopped"]
    assert (alert.subject, alert.severity, alert.count) == ("predictions", "P1", 1)
    assert caplog.text.count("[P1] visits: a signal that used to come with every day did not") == 1
    assert alerting.store.deliveries() == []


def test_days_that_only_a_clock_which_was_ahead_took_for_ended_hide_no_day_that_is_not_measured(
    operations: Operations, loop: Loop
) -> None:
    alerting = Alerting.of(operations)
    alerting.look(loop, BEGINS + DAYS * DAY)
    for number in range(DAYS, DAYS + 9):
        silent(operations, number)
    state = operations.store.state(LOOP)
    early = tuple(day.day for day in operations.days(LOOP)[-9:])
    operations.store.commit(state, dataclasses.replace(state, early=early), (), ())
    alerting.look(loop, BEGINS + (DAYS + 1) * DAY)
    assert [one.rule for one in alerting.store.alerts(open_only=True) if one.rule in ("stopped", "not_measured")] == []
    alerting.look(loop, BEGINS + (DAYS + 2) * DAY)
    assert "not_measured" in [one.rule for one in alerting.store.alerts(open_only=True)]


def test_with_an_address_the_message_is_on_its_way_in_the_same_transaction(
    operations: Operations, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEOSTAT_ALERTS_CHAT", "json://127.0.0.1:1/x")
    monkeypatch.setenv("HOMEOSTAT_ALERTS_FALLBACK", "json://127.0.0.1:2/x")
    alerting = Alerting.of(operations)
    alerting.look(loop, BEGINS + DAYS * DAY)
    silent(operations, DAYS)
    alerting.look(loop, BEGINS + (DAYS + 1) * DAY)
    [one] = alerting.store.deliveries()
    assert (one.to, one.status, one.notice.severity) == ("chat", "waiting", "P1")


def test_decisions_of_the_loop_come_by_the_same_path(operations: Operations, loop: Loop) -> None:
    alerting, now = Alerting.of(operations), BEGINS + DAYS * DAY
    alerting.look(loop, now)
    told = Verdict(RETRAIN, (Reason("too_old", 1.0, 0.0, "old"),))
    state = operations.state(LOOP)
    for step in (
        lambda s: transitions.ask_retraining(s, told, now, {}),
        lambda s: transitions.fail(s, Verdict("FAILED", (Reason("training_failed", None, None, "boom"),)), now, {}),
    ):
        state = dataclasses.replace(state, rollout=None)
        after, drafts = step(state)
        state = operations.store.commit(operations.state(LOOP), after, drafts, ())
    alerting.look(loop, now)
    [alert] = [one for one in alerting.store.alerts() if one.rule == "training_failed"]
    assert "boom" in alert.text


@pytest.mark.parametrize(("rule", "asked"), [("skill", 1), ("drift", 0)])
def test_why_outcomes_are_worse_is_asked_of_the_diagnosis_and_told_with_the_alert(
    operations: Operations, rule: str, asked: int
) -> None:
    calls: list[Cause] = []
    broken = Cause("broken data: size lacks in 40 % of the rows", "Mend the data first.")

    def why() -> Cause:
        calls.append(broken)
        return broken

    taking, settings = TakingIn(Alerting.of(operations).store, SystemClock()), Alerts()
    for day in range(4):
        read = [Reading(rule, "x", f"d{day}", BEGINS + day * DAY, "over", "0.1 < 0.2", 0.1, 0.2)]
        after = dataclasses.replace(taking.store.book(LOOP), cursor=day + 1)
        taking.take_in(LOOP, lambda _, one=after, of=read: (one, of), settings, BEGINS + day * DAY, (), why)  # type: ignore[misc]
    [alert] = taking.store.alerts(open_only=True)
    assert bool(calls) == bool(asked)
    assert (alert.cause == broken.text) == bool(asked)


def test_an_acknowledgement_meanwhile_is_not_overwritten(operations: Operations, loop: Loop) -> None:
    alerting = Alerting.of(operations)
    alerting.look(loop, BEGINS + DAYS * DAY)
    silent(operations, DAYS)
    now = BEGINS + (DAYS + 1) * DAY
    alerting.look(loop, now)
    [alert] = [one for one in alerting.store.alerts() if one.rule == "stopped"]
    Desk.open(operations).acknowledge(alert.id, "ann", "on it", lambda _: now)
    silent(operations, DAYS + 1)
    alerting.look(loop, now + DAY)
    found = alerting.store.find(alert.id)
    assert found.acknowledged is not None
    assert (found.count, found.acknowledged.actor, found.escalations) == (2, "ann", 0)


def test_what_fails_while_reading_is_logged_and_control_goes_on(
    operations: Operations, loop: Loop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerting = Alerting.of(operations)
    for error in (Unavailable("No disk.", mend="Wait."), ValueError("odd")):

        def broken(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(type(operations.store), "days", broken)
        alerting.look(loop, BEGINS)
    assert "No disk. Wait." in caplog.text
    assert "the next look follows" in caplog.text


def test_a_change_of_what_serves_that_breaks_its_limits_with_nobody_to_take_over_is_the_most_urgent(
    operations: Operations, loop: Loop
) -> None:
    alerting, now = Alerting.of(operations), BEGINS + DAYS * DAY
    alerting.look(loop, now, ("outage",))
    [alert] = [one for one in alerting.store.alerts(open_only=True) if one.rule == "limits_broken"]
    assert (alert.severity, alert.text) == ("P0", "outage")
    alerting.look(loop, now)
    assert alerting.store.find(alert.id).resolved is not None


def test_a_version_that_a_replica_refuses_for_its_signature_is_an_incident_until_it_is_put_right(
    home: Home, operations: Operations, loop: Loop
) -> None:
    alerting, now = Alerting.of(operations), BEGINS + DAYS * DAY

    def say(untrusted: str | None) -> None:
        served = LoopServed(3, "v1", untrusted, untrusted)
        write_replica(home.replicas, ReplicaState("r1", 1, SystemClock().now(), True, {LOOP: served}))
        alerting.look(loop, now)

    say("Version late/v2 is not loaded: model.onnx is not what was registered.")
    [alert] = [one for one in alerting.store.alerts(open_only=True) if one.rule == "untrusted"]
    assert (alert.severity, alert.text) == (
        "P1",
        "Version late/v2 is not loaded: model.onnx is not what was registered.",
    )
    say(None)
    assert alerting.store.find(alert.id).resolved is not None


def test_control_that_does_not_look_any_more_is_an_alert_until_it_does(home: Home, operations: Operations) -> None:
    alerting, clock = Alerting.of(operations), Hand(1_000_000_000)
    seconds = [0.0]
    watch = PulseWatch(home, alerting.store, clock, {}, lambda: seconds[0])
    for leap in (0, 30 * DAY, -60 * DAY):  # a clock that is set is no silence
        clock.at += leap
        assert not watch.look()
    seconds = [SILENT_AFTER / 1_000_000 + 1]
    assert watch.look()
    [alert] = alerting.store.alerts(INSTALLATION, open_only=True)
    assert (alert.rule, alert.severity) == ("control_silent", "P1")
    write_beat(home.beat, clock.at)
    assert not watch.look()
    assert alerting.store.alerts(INSTALLATION, open_only=True) == []
    home.beat.write_text("{")
    assert read_beat(home.beat) is None


def test_a_loop_may_turn_rules_off_and_what_it_says_of_alerts_is_checked(operations: Operations, loop: Loop) -> None:
    quiet = dataclasses.replace(loop, alerts=Alerts(severity={"stopped": "off"}))
    alerting = Alerting.of(operations)
    alerting.look(quiet, BEGINS + DAYS * DAY)
    silent(operations, DAYS)
    alerting.look(quiet, BEGINS + (DAYS + 1) * DAY)
    assert [one for one in alerting.store.alerts() if one.rule == "stopped"] == []


class Broken:
    """A reconciler whose looks fail."""

    def tick(self, now: int) -> None:
        raise Unavailable("No recorder.", mend="Wait.")


def test_a_look_that_fails_is_followed_by_alerts_all_the_same_and_by_no_pulse(
    home: Home, operations: Operations, loop: Loop
) -> None:
    clock, doors = Hand(BEGINS + (DAYS + 3) * DAY), DoorsWatch("http://127.0.0.1:1", SystemClock(), time.monotonic)
    facts = Facts(BlockingRecorderClient(str(home.root / "nobody")), "http://127.0.0.1:1")
    showing, reconcilers = Showing(operations, {LOOP: loop}), cast("Any", {LOOP: Broken()})
    alerting = Alerting.of(operations)
    service = ControlService(
        {LOOP: loop}, reconcilers, operations, facts, clock, 1.0, showing, doors, alerting=alerting
    )
    with pytest.raises(Unavailable):
        service.tick()
    assert [one.subject for one in alerting.store.alerts(LOOP, open_only=True) if one.rule == "not_measured"] == [
        "days"
    ]
    assert read_beat(home.beat) is None
    service.reconcilers = {}
    service.tick()
    assert read_beat(home.beat) is not None
