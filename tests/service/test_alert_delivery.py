"""Messages reach a real receiver that fails, hangs and recovers; what is killed meanwhile sends nothing twice
where that can be known; and what an address is appears nowhere."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.adapters.apprise.sender import UNREACHABLE, AppriseSender
from homeostat.adapters.sql.alert_store import SqlAlertStore
from homeostat.adapters.sql.database import Database
from homeostat.app.alerting.addresses import Addresses
from homeostat.app.alerting.courier import carry
from homeostat.app.alerting.worker import Courier, Worker, courier_process
from homeostat.app.clocks import SystemClock
from homeostat.app.home import Home
from homeostat.app.processes.supervisor import module_command
from homeostat.control.alerting.store import AlertStore
from homeostat.kernel.clock import LATEST, duration
from homeostat.monitoring.alerts.deliveries import (
    GIVEN_UP_AFTER,
    WAITS,
    Delivery,
    claim,
    delivery,
    delivery_readings,
    failed,
    failing,
    sent,
)
from homeostat.monitoring.alerts.notices import Notice
from tests.harness.receiver import SECRET, Receiver, receiving
from tests.harness.running import processes_of, until
from tests.harness.watched import Watch

pytestmark = pytest.mark.service
SECOND = duration("1s")


class Hand(SystemClock):
    """The machine's clock, set by hand."""

    def __init__(self) -> None:
        self.at = SystemClock.now(self)

    def now(self) -> int:
        return self.at


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "home")
    found.prepare()
    return found


@pytest.fixture
def store(home: Home) -> AlertStore:
    return SqlAlertStore(Database(home.control_db))


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> Receiver:
    monkeypatch.setenv("HOMEOSTAT_ALERTS_CHAT", receiver.url)
    return receiver


def message(store: AlertStore, to: str = "chat") -> Delivery:
    notice = Notice("n1", "late", "opened", "P1", 0, "[P1] late: no labels", "labels stopped", ("a1",))
    return store.add(delivery(notice, to, SystemClock().now()))


def worker(home: Home, store: AlertStore, courier: Courier | None = None) -> tuple[Worker, Hand]:
    """A worker whose courier is this process, unless it is given another."""

    def here(one: Delivery) -> None:
        carry(store, one, Addresses.read(home, os.environ), AppriseSender())

    clock = Hand()
    return Worker(home, store, clock, os.environ, courier or here), clock


def test_a_message_arrives_once_under_its_key(home: Home, store: AlertStore, chat: Receiver) -> None:
    one = message(store)
    found, clock = worker(home, store, courier_process(home))
    assert found.look() == 1
    clock.at += 100 * SECOND
    assert found.look() == 0
    [arrived] = chat.messages
    assert (arrived.key, arrived.path) == (one.id, f"/hook/{SECRET}")
    assert (arrived.body["title"], arrived.body["message"]) == (one.notice.title, one.notice.body)
    [done] = store.deliveries()
    assert (done.status, done.attempts) == ("sent", 1)


def test_a_receiver_that_fails_is_tried_again_later_each_time_and_gets_it_once_it_recovers(
    home: Home, store: AlertStore, chat: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    message(store)
    found, clock = worker(home, store)
    chat.status = 503
    assert found.look() == 1
    [waiting] = store.deliveries()
    assert (waiting.status, waiting.problem) == ("waiting", "it answered 503")
    assert found.look() == 0
    chat.status = 200
    clock.at = waiting.next_at
    assert found.look() == 1
    assert store.deliveries()[0].status == "sent"
    assert (chat.tries, len(chat.messages)) == (2, 1)
    assert SECRET not in caplog.text
    assert "did not reach 'chat': it answered 503" in caplog.text


def test_a_receiver_that_hangs_is_given_a_time_and_the_next_message_is_not_kept_waiting(
    home: Home, store: AlertStore, chat: Receiver
) -> None:
    chat.hangs.set()
    message(store)
    found, clock = worker(home, store, courier_process(home, 6.0))
    assert found.look() == 1
    [waiting] = store.deliveries()
    assert waiting.status == "waiting"
    assert waiting.problem in (
        "it took too long, or its courier was ended",
        "it could not be reached, or did not take the message",  # the sender's own patience was the shorter one
    )
    chat.hangs.clear()
    clock.at = max(waiting.next_at, clock.at)
    again, _ = worker(home, store)
    again.clock = clock
    assert again.look() == 1
    assert [one.key for one in chat.messages] == [waiting.id]


def test_killed_between_send_and_record_a_message_is_sent_again_under_the_same_key(
    home: Home, store: AlertStore, chat: Receiver
) -> None:
    one = message(store)
    found, clock = worker(home, store)
    claimed = store.settle(one, claim(one, clock.now()))
    assert AppriseSender().send(chat.url, one.notice.title, one.notice.body, one.id) is None  # and then it is killed
    assert found.look() == 0  # somebody may still be at it
    clock.at = claimed.next_at
    assert found.look() == 1
    assert [each.key for each in chat.messages] == [one.id, one.id]
    assert store.deliveries()[0].status == "sent"


def test_a_worker_that_is_killed_while_its_courier_sends_does_not_make_it_send_twice(
    home: Home, store: AlertStore, chat: Receiver
) -> None:
    one = message(store)
    code = (
        "import os; from pathlib import Path; from homeostat.app.alerting.worker import *;"
        "from homeostat.app.clocks import SystemClock; from homeostat.app.home import Home;"
        "from homeostat.adapters.sql.alert_store import SqlAlertStore;"
        "from homeostat.adapters.sql.database import Database;"
        f"home = Home(Path({str(home.root)!r})); store = SqlAlertStore(Database(home.control_db));"
        "Worker(home, store, SystemClock(), os.environ, courier_process(home)).look()"
    )
    process = subprocess.Popen([*module_command("x")[:1], "-c", code])
    until(lambda: sends(home) or store.add(one).status == "sent")
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: store.add(one).status == "sent")
    found, clock = worker(home, store)
    clock.at += duration("2d")
    assert found.look() == 0
    assert [each.key for each in chat.messages] == [one.id]


def sends(home: Home) -> bool:
    """Whether a courier is at work."""
    return any("homeostat.app.alerting.courier" in words for _, words in processes_of(home.root))


def test_a_second_path_is_taken_when_the_first_fails(
    home: Home, store: AlertStore, chat: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as other:
        monkeypatch.setenv("HOMEOSTAT_ALERTS_FALLBACK", other.url)
        chat.status = 500
        message(store)
        found, clock = worker(home, store)
        assert (found.look(), found.look()) == (1, 1)
        clock.at += duration("1h")
        found.look()
        assert len(other.messages) == 1
        assert sorted((one.to, one.status) for one in store.deliveries()) == [("chat", "waiting"), ("fallback", "sent")]


def test_an_address_that_takes_nothing_is_an_alert_that_goes_elsewhere_and_ends_when_it_takes_again(
    home: Home, store: AlertStore, chat: Receiver
) -> None:
    chat.status = 404
    message(store)
    found, clock = worker(home, store)
    for _ in range(2):
        assert found.look() == 1
        clock.at = store.deliveries()[0].next_at
    assert failing(store.deliveries())["chat"].problem == "it answered 404"
    bad, good = delivery_readings(store.deliveries(), ["chat", "pager"], 5)
    assert (bad.subject, bad.said, good.said) == ("chat", "over", "within")
    chat.status = 200
    clock.at = store.deliveries()[0].next_at
    found.look()
    assert failing(store.deliveries()) == {}


def test_waits_grow_and_a_message_is_given_up_after_a_day(store: AlertStore) -> None:
    one, now, waits = message(store), 0, []
    one = dataclasses.replace(one, made_at=0)
    while one.status != "given_up":
        one = failed(claim(one, now), "it answered 500", now)
        waits.append(one.next_at - now)
        now = one.next_at
    assert tuple(waits[: len(WAITS)]) == WAITS
    assert set(waits[len(WAITS) : -1]) == {WAITS[-1]}
    assert now >= GIVEN_UP_AFTER


@pytest.mark.parametrize("back", ["10m", "1h", "30d"])
def test_a_message_that_waits_is_tried_at_once_where_the_clock_was_set_back(
    home: Home, store: AlertStore, chat: Receiver, back: str
) -> None:
    message(store)
    found, clock = worker(home, store)
    chat.status = 500
    assert (found.look(), found.look()) == (1, 0)
    clock.at -= duration(back)
    chat.status = 200
    assert (found.look(), found.look()) == (1, 0)
    assert [one.status for one in store.deliveries()] == ["sent"]


def test_a_clock_that_leaps_ahead_gives_no_message_up(store: AlertStore) -> None:
    one = message(store)
    leapt = one.made_at + 400 * GIVEN_UP_AFTER
    assert failed(claim(one, leapt), "it answered 500", leapt).status == "waiting"


def test_a_redirect_is_not_followed(home: Home, store: AlertStore, chat: Receiver) -> None:
    with receiving() as other:
        chat.status, chat.location = 307, other.url.replace(f"json://user:{SECRET}@", "http://")
        message(store)
        worker(home, store)[0].look()
        assert (chat.tries, other.tries) == (1, 0)
        assert store.deliveries()[0].problem == "it answered 307"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (f"json://127.0.0.1:1/{SECRET}", UNREACHABLE),
        (f"nosuchthing://{SECRET}", "the address is none that Apprise knows: see its scheme and what has to follow"),
        (f"slack://{SECRET}", "the address is none that Apprise knows: see its scheme and what has to follow"),
    ],
)
def test_what_went_wrong_is_said_without_the_address(
    address: str, why: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert AppriseSender().send(address, "title", "body", "key") == why
    out, err = capfd.readouterr()
    assert SECRET not in out + err + caplog.text


def test_no_secret_is_stored_or_shown(home: Home, store: AlertStore, chat: Receiver) -> None:
    chat.status = 503
    message(store)
    worker(home, store)[0].look()
    words = ["alerts", "test", "--home", str(home.root), "--json"]
    done = subprocess.run(module_command("homeostat.cli.main", *words), capture_output=True, check=False, text=True)
    assert done.returncode == 1  # a home without settings: nothing was ever run in it
    held = b"".join(path.read_bytes() for path in home.root.rglob("*") if path.is_file())
    assert SECRET.encode() not in held
    assert SECRET not in done.stdout + done.stderr
    assert SECRET not in repr(Addresses.read(home, os.environ))


def test_a_courier_reaches_for_its_address_alone(
    home: Home, store: AlertStore, chat: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(tmp_path / "watch")
    for name, value in watch.environment.items():
        monkeypatch.setenv(name, value)
    message(store)
    worker(home, store, courier_process(home))[0].look()
    assert len(chat.messages) == 1
    assert {call.address for call in watch.calls() if call.address} <= {"127.0.0.1"}
    monkeypatch.setenv("HOMEOSTAT_ALERTS_CHAT", f"json://example.invalid/{SECRET}")
    store.add(dataclasses.replace(message(store), id="another", status="waiting", next_at=0))
    worker(home, store, courier_process(home))[0].look()
    assert {call.address for call in watch.calls() if call.address} == {"127.0.0.1", "example.invalid"}


def test_what_sends_is_loaded_by_the_courier_alone_and_only_when_it_sends() -> None:
    parts = ("alerting.courier", "processes.installation", "control.alerting")
    code = f"import sys, {', '.join(f'homeostat.app.{part}' for part in parts)}; sys.exit('apprise' in sys.modules)"
    words = [*module_command("x")[:1], "-c", code]
    assert subprocess.run(words, check=False).returncode == 0


def test_without_an_address_nothing_is_started(home: Home, store: AlertStore) -> None:
    message(store)
    started: list[Delivery] = []
    found = Worker(home, store, SystemClock(), {}, started.append)
    assert (found.look(), started) == (0, [])


def test_an_address_that_is_gone_is_said_and_what_was_claimed_by_another_is_left(home: Home, store: AlertStore) -> None:
    one = message(store, to="pager")
    claimed = store.settle(one, claim(one, 0))
    done = carry(store, claimed, Addresses.read(home, {}), AppriseSender())
    assert (done.status, done.problem) == ("waiting", "No address is named 'pager'.")
    gone = store.settle(done, sent(claim(done, 5), 6))
    assert store.deliveries(due=LATEST) == []
    assert json.dumps(gone.problem) == '""'
