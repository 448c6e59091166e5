"""What one asks first when woken at night: does it run, and what of it does not answer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.files.replicas import write_replica
from homeostat.adapters.sql.alert_store import SqlAlertStore
from homeostat.adapters.sql.database import Database
from homeostat.app.alerting.beat import write_beat
from homeostat.app.home import Home, Running
from homeostat.app.settings import Settings
from homeostat.app.shown.vitals import vitals
from homeostat.kernel.clock import duration, parse_instant
from homeostat.monitoring.alerts.deliveries import FAILING_AFTER, claim, delivery, failed, sent
from homeostat.monitoring.alerts.notices import Notice
from homeostat.serving.replicas import ReplicaState
from tests.harness.grown import grown_home

NOW = parse_instant("2024-01-09T03:00:00Z")
SECOND = duration("1s")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home on which somebody runs: this process."""
    found = grown_home(tmp_path)
    loop_file = str(tmp_path / "loop.py")
    found.announce(Running(os.getpid(), "http://doors", "http://control", "socket", loop_file, "system"))
    write_beat(found.beat, NOW - 2 * SECOND)
    says(found, "r1", 1)
    return found


def seen(home: Home, *troubles: str) -> dict[str, Any]:
    """What is told now, with a recorder that tells of these troubles."""
    return vitals(home, NOW, lambda socket: troubles)


def says(home: Home, replica: str, seconds_ago: int) -> None:
    """A replica that said something lately, or not."""
    write_replica(home.replicas, ReplicaState(replica, os.getpid(), NOW - seconds_ago * SECOND, ready=True))


def test_what_runs_and_answers_is_told_with_its_addresses_and_no_problem(home: Home) -> None:
    told = seen(home)
    assert (told["running"], told["doors"], told["dashboard"]) == (True, "http://doors", "http://control")
    assert (told["replicas"], told["ready"], told["problems"]) == (1, 1, [])


def test_a_replica_that_says_nothing_is_a_problem(home: Home) -> None:
    says(home, "r2", 40)
    told = seen(home)
    assert (told["replicas"], told["ready"]) == (2, 1)
    assert told["problems"] == [
        f"replica r2 (process {os.getpid()}) has said nothing for 40 s: it may answer nobody; once ended, it is started"
        " again"
    ]


def test_no_replica_at_all_is_a_problem(home: Home) -> None:
    for file in home.replicas.iterdir():
        file.unlink()
    assert seen(home)["problems"] == ["no gateway is up: nobody is answered"]


@pytest.mark.parametrize(("seconds", "said"), [(59, None), (61, "61 s ago"), (600, "10 min ago")])
def test_control_that_looks_no_more_is_a_problem(home: Home, seconds: int, said: str | None) -> None:
    write_beat(home.beat, NOW - seconds * SECOND)
    told = f"control last looked at its loops {said}: predictions go on, decisions wait; process-logs/ says why"
    assert seen(home)["problems"] == ([told] if said else [])


def test_a_disk_with_less_left_than_is_kept_is_a_problem(home: Home) -> None:
    settings = Settings.load(home.root)
    settings.model_copy(update={"disk_reserve_bytes": 1 << 60}).save()
    (problem,) = seen(home)["problems"]
    assert "MiB are kept: predictions are refused until there is room" in problem


def test_where_nothing_runs_it_is_told_how_to_start_it_and_nothing_else_is_a_problem(tmp_path: Path) -> None:
    home = grown_home(tmp_path)
    told = seen(home)
    assert (told["running"], told["problems"]) == (False, [])
    assert told["start"] == f"homeostat up {tmp_path / 'loop.py'} --home {home.root}"


def test_what_the_recorder_says_does_not_go_on_is_a_problem(home: Home) -> None:
    assert seen(home, "no events are taken in: somebody holds the journal")["problems"] == [
        "no events are taken in: somebody holds the journal"
    ]


def test_a_recorder_that_is_not_there_is_a_problem(home: Home) -> None:
    (problem,) = vitals(home, NOW)["problems"]
    assert problem.startswith("no events are taken in, and predictions wait to be stored: The recorder is not running.")


def test_what_was_said_before_the_clock_was_set_back_is_not_taken_for_new(home: Home) -> None:
    write_beat(home.beat, NOW + 3_600 * SECOND)
    says(home, "r1", -3_600)
    replica, control = seen(home)["problems"]
    assert "has said nothing for 60 min" in replica
    assert control.startswith("control has not looked at its loops since the machine's clock was set back")


def test_messages_that_do_not_go_out_are_a_problem(home: Home) -> None:
    store = SqlAlertStore(Database(home.control_db))
    notice = Notice("n1", "late", "opened", "P1", 0, "title", "body", ())
    one = store.add(delivery(notice, "chat", NOW - 90 * SECOND))
    assert seen(home)["problems"] == ["1 message of alerts should have gone out 90 s ago: nobody sends them"]
    for _ in range(FAILING_AFTER):
        one = store.settle(one, failed(claim(one, NOW), "it answered 404", NOW))
    assert seen(home)["problems"] == ["messages of alerts do not reach 'chat': it answered 404"]
    store.settle(one, sent(one, NOW))
    assert seen(home)["problems"] == []
