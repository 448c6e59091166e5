"""Commands on alerts, on a home that has some."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.adapters.sql.alert_store import SqlAlertStore
from homeostat.adapters.sql.database import Database
from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.settings import Settings
from homeostat.cli.context import person
from homeostat.control.alerting.store import AlertStore
from homeostat.kernel.clock import duration
from homeostat.monitoring.alerts.alerts import Alert, Mark, over
from tests.harness.grown import BEGAN
from tests.harness.receiver import SECRET, Receiver, receiving
from tests.harness.world import LOOP
from tests.unit.cli.conftest import Command

DAY = duration("1d")


@pytest.fixture
def store(home: Home) -> AlertStore:
    """One urgent alert that is overdue, one on drift, one that is over."""
    Settings(home=home.root, loop_file=Settings.load(home.root).loop_file, clock="replay").save()
    found = SqlAlertStore(Database(home.control_db))
    urgent = Alert(
        *("aaaa1111", LOOP, "stopped", "labels", "P1", "not one label of 2024-01-05"),
        *("2024-01-05", BEGAN, "2024-01-06", BEGAN + DAY),
        due=BEGAN + 1,
        count=2,
        told="P1",
        cause="weather is silent",
    )
    calm = dataclasses.replace(urgent, id="bbbb2222", rule="drift", subject="inputs", severity="P3", due=None, cause="")
    mark = Mark("homeostat", "within its limit for one look", BEGAN + 2 * DAY)
    gone = over(dataclasses.replace(urgent, id="cccc3333", rule="freshness", severity="P2"), mark, False)
    found.commit(found.book(LOOP), found.book(LOOP), [calm, urgent, gone], [])
    return found


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as found:
        monkeypatch.setenv("HOMEOSTAT_ALERTS_CHAT", found.url)
        yield found


@pytest.mark.parametrize("words", [[LOOP], ["list", LOOP], ["all"], ["list"]])
def test_open_alerts_are_listed_the_most_urgent_first(
    command: Command, home: Home, store: AlertStore, words: list[str]
) -> None:
    text = command("alerts", *words, "--home", home.root).output
    assert text.index("aaaa1111") < text.index("bbbb2222")
    assert "cccc3333" not in text
    assert "most likely cause: weather is silent" in text
    assert "2 times, last 2024-01-06" in text
    assert "No address is configured" in text


def test_what_is_over_is_listed_when_asked_for(command: Command, home: Home, store: AlertStore) -> None:
    text = command("alerts", LOOP, "--all", "--home", home.root).output
    assert "over since 2024-01-03 00:00: within its limit for one look; not acted on" in text


def test_json_is_data_and_nothing_else(command: Command, home: Home, store: AlertStore) -> None:
    told = json.loads(command("alerts", LOOP, "--json", "--home", home.root).stdout)
    assert [(one["id"], one["severity"], one["overdue"]) for one in told["alerts"]] == [
        ("aaaa1111", "P1", True),
        ("bbbb2222", "P3", False),
    ]
    assert (told["open"], told["addresses"], told["silences"]) == (2, [], [])


def test_an_alert_is_acknowledged_once_and_resolved_with_a_mark(
    command: Command, home: Home, store: AlertStore
) -> None:
    at = ("--home", home.root)
    assert command("alerts", "ack", "aaaa1111", "--reason", "on it", "--by", "ana", *at).exit_code == 0
    again = command("alerts", "ack", "aaaa1111", *at)
    assert (again.exit_code, "ana has acknowledged" in again.output) == (1, True)
    assert command("alerts", "resolve", "aaaa1111", "--acted-on", "--reason", "asked them", *at).exit_code == 0
    found = store.find("aaaa1111")
    assert (found.status, found.acted_on) == ("resolved", True)
    [rule] = [one for one in json.loads(command("alerts", "rules", LOOP, "--json", *at).stdout) if one["raised"] == 1][
        :1
    ]
    assert rule["rule"] == "stopped"
    assert (rule["share_acted_on"], rule["severity"]) == (1.0, "P2")


@pytest.mark.parametrize(
    "words", [["ack", "nobody"], ["resolve", "aaaa1111", "--acted-on", "--reason", " "], ["list", "visit"]]
)
def test_what_cannot_be_done_says_its_mend(command: Command, home: Home, store: AlertStore, words: list[str]) -> None:
    done = command("alerts", *words, "--home", home.root)
    assert (done.exit_code, "mend" in done.output) == (1, True)


@pytest.mark.parametrize("words", [["resolve", "aaaa1111", "--reason", "x"], ["resolve", "aaaa1111", "--acted-on"]])
def test_nothing_is_resolved_without_a_reason_and_a_mark(
    command: Command, home: Home, store: AlertStore, words: list[str]
) -> None:
    assert command("alerts", *words, "--home", home.root).exit_code == 2


def test_a_silence_is_listed_and_ended_and_bad_ones_are_refused(
    command: Command, home: Home, store: AlertStore
) -> None:
    at = ("--home", home.root)
    made = command("alerts", "silence", LOOP, "--rule", "drift", "--until", "3d", "--reason", "a season", "--json", *at)
    name = json.loads(made.stdout)["id"]
    assert "a season" in command("alerts", "silences", *at).output
    assert command("alerts", "silences", "--end", name, "--by", "ben", *at).exit_code == 0
    assert "Nothing is silenced." in command("alerts", "silences", LOOP, *at).output
    said = [one.draft for one in Operations.open(home).store.entries(LOOP) if one.draft.kind.endswith("silence")]
    assert [(one.kind, one.actor) for one in said] == [("silence", person()), ("unsilence", "ben")]
    assert said[0].reasons == ("a season",)
    assert command("alerts", "silences", "--end", name, *at).exit_code == 1
    for until, rule in (("91d", "drift"), ("2020-01-01T00:00:00Z", "drift"), ("3d", "drifft"), ("soon", "drift")):
        done = command("alerts", "silence", LOOP, "--rule", rule, "--until", until, "--reason", "x", *at)
        assert (done.exit_code, "mend" in done.output) == (1, True), until
    assert "such as 8h" in done.output


@pytest.mark.parametrize(("name", "told"), [("shop_spent", True), ("shop_spent_6h", False), ("visits", False)])
def test_a_silence_of_what_has_no_such_name_says_so(
    command: Command, home: Home, store: AlertStore, name: str, told: bool
) -> None:
    done = command("alerts", "silence", LOOP, "--subject", name, "--until", "3d", "--reason", "x", "--home", home.root)
    assert (done.exit_code, f"has the name '{name}' so far" in done.stderr) == (0, told)


def test_a_test_message_tells_what_came_of_it_and_nothing_secret(
    command: Command, home: Home, store: AlertStore, receiver: Receiver
) -> None:
    done = command("alerts", "test", "--json", "--home", home.root)
    assert done.exit_code == 0
    assert [(one["to"], one["status"]) for one in json.loads(done.stdout)] == [("chat", "sent")]
    assert receiver.messages[0].body["title"] == "[test] Homeostat: a message to chat"
    receiver.status = 500
    failed = command("alerts", "test", "--to", "chat", "--home", home.root)
    assert (failed.exit_code, failed.stdout) == (3, "chat: did not arrive: it answered 500\n")
    told = command("alerts", LOOP, "--all", "--json", "--home", home.root).output
    assert SECRET not in done.output + failed.output + told


def test_a_test_without_an_address_says_how_to_give_one(command: Command, home: Home, store: AlertStore) -> None:
    done = command("alerts", "test", "--home", home.root)
    assert (done.exit_code, "HOMEOSTAT_ALERTS_CHAT" in done.output) == (1, True)


def test_an_address_in_the_home_folder_is_used_and_one_that_others_read_is_refused(
    command: Command, home: Home, store: AlertStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOMEOSTAT_ALERTS_CHAT")
    place: Path = home.addresses
    place.write_text(f"desk = {receiver.url}\n")
    place.chmod(0o600)
    assert command("alerts", "test", "--to", "desk", "--home", home.root).exit_code == 0
    place.chmod(0o644)
    refused = command("alerts", "test", "--home", home.root)
    assert (refused.exit_code, "chmod 600" in refused.output) == (1, True)
    assert SECRET not in refused.output


def test_alerts_of_a_home_that_has_none_are_none(command: Command, home: Home) -> None:
    assert "No alert is open." in command("alerts", LOOP, "--home", home.root).output
    assert Operations.open(home).state(LOOP).revision > 0
