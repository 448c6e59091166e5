"""What every store of alerts must keep: all or nothing, one winner, a message once."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest

from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.alert_store import SqlAlertStore
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.control.alerting import people
from homeostat.control.alerting.store import AlertStore
from homeostat.governance.audit import audit
from homeostat.kernel.clock import LATEST
from homeostat.kernel.errors import Conflict, NotFound
from homeostat.monitoring.alerts.alerts import Alert, Book, Mark, new_silence
from homeostat.monitoring.alerts.deliveries import Delivery, claim, delivery, failed, sent
from homeostat.monitoring.alerts.notices import Notice


@pytest.fixture
def heads(tmp_path: Path) -> HeadsFile:
    return HeadsFile(tmp_path / "ledger")


@pytest.fixture
def ledger(tmp_path: Path, heads: HeadsFile) -> SqlControlStore:
    return SqlControlStore(Database(tmp_path / "control.sqlite"), heads)


@pytest.fixture
def store(tmp_path: Path, heads: HeadsFile) -> AlertStore:
    return SqlAlertStore(Database(tmp_path / "control.sqlite"), heads)


def alert(name: str, loop: str = "late", at: int = 5) -> Alert:
    return Alert(name, loop, "skew", "inputs", "P2", "x differs", "day", at, "day", at, due=9, observed=0.2, limit=0.01)


def message(name: str, severity: str = "P2", at: int = 5) -> Delivery:
    notice = Notice(name, "late", "opened", severity, at, "title", "body", ("a",), ("chat",))  # type: ignore[arg-type]
    return delivery(notice, "chat", at)


def test_what_was_written_is_read_back_as_it_was(store: AlertStore) -> None:
    mark = Mark("ann", "on it", 6)
    rich = dataclasses.replace(alert("a"), told="P2", acknowledged=mark, escalations=2, cause="because", count=3)
    ended = dataclasses.replace(alert("b", at=4), resolved=mark, acted_on=True)
    silence = new_silence("late", "skew", None, 1, 9, "ann", "why")
    book = Book("late", cursor=7, entry=3, seen={"skew/inputs": 4}, streaks={"drift/inputs": 2}, silences=(silence,))
    written = store.commit(store.book("late"), book, [rich, ended], [message("n")])
    assert written == dataclasses.replace(book, revision=1)
    assert store.book("late") == written
    assert store.alerts("late") == [ended, rich]
    assert store.alerts(open_only=True) == [rich]
    assert store.find("b") == ended
    assert store.deliveries() == [message("n")]


def test_a_book_never_seen_is_new_and_loops_are_kept_apart(store: AlertStore) -> None:
    assert store.book("late") == Book("late")
    store.commit(Book("late"), Book("late"), [alert("a")], [])
    assert store.alerts("early") == []
    assert store.book("early").revision == 0
    with pytest.raises(NotFound, match="no alert 'b'"):
        store.find("b")


def test_a_lost_race_writes_nothing(store: AlertStore, ledger: SqlControlStore) -> None:
    old = store.book("late")
    store.commit(old, dataclasses.replace(old, cursor=1), [alert("a")], [])
    said = people.acknowledged(alert("b"), Mark("ann", "on it", 6), old)
    with pytest.raises(Conflict):
        store.commit(old, dataclasses.replace(old, cursor=2), [alert("b")], [message("n")], [said])
    assert ledger.entries() == []
    assert [one.id for one in store.alerts()] == ["a"]
    assert (store.book("late").cursor, store.deliveries()) == (1, [])


def test_what_people_do_is_in_the_ledger_with_it_who_when_why_and_until_when(
    store: AlertStore, ledger: SqlControlStore, heads: HeadsFile
) -> None:
    book, mark = store.book("late"), Mark("ann", "on it", 6)
    silence = new_silence("late", "skew", "hour", 1, 9, "bob", "a season")
    first = store.commit(book, book, [], (), [people.acknowledged(alert("a"), mark, book)])
    after = dataclasses.replace(first, silences=(silence,))
    second = store.commit(first, after, [], (), [people.silenced(silence, first)])
    third = store.commit(second, first, [], (), [people.unsilenced(silence, "ann", 7, second)])
    store.commit(third, after, [], (), [people.silenced(silence, third)])
    said = [one.draft for one in ledger.entries("late")]
    assert [(one.kind, one.actor, one.at) for one in said] == [
        ("acknowledge", "ann", 6),
        ("silence", "bob", 1),
        ("unsilence", "ann", 7),
        ("silence", "bob", 1),
    ]
    assert (said[0].reasons, said[1].reasons) == (("on it",), ("a season",))
    assert said[1].title == "skew of hour is silenced until 1970-01-01T00:00:00.000009Z"
    assert said[1].evidence["silence"]["until"] == 9  # type: ignore[index]
    assert audit(ledger.entries(), heads.read(), heads.signer).intact


def test_of_many_who_write_at_once_one_wins_each_time(store: AlertStore) -> None:
    won: list[int] = []

    def write(number: int) -> None:
        while True:
            book = store.book("late")
            try:
                store.commit(book, dataclasses.replace(book, cursor=book.cursor + 1), [alert(f"a{number}")], [])
            except Conflict:
                continue
            won.append(number)
            return

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (store.book("late").cursor, len(won), len(store.alerts())) == (6, 6, 6)


def test_a_message_is_there_once_whoever_adds_it_again(store: AlertStore) -> None:
    one = store.add(message("n"))
    done = store.settle(one, sent(claim(one, 6), 7))
    assert store.add(message("n")) == done
    store.commit(Book("late"), Book("late"), [], [message("n")])
    assert store.deliveries() == [done]


def test_two_workers_cannot_claim_one_message(store: AlertStore) -> None:
    one = store.add(message("n"))
    store.settle(one, claim(one, 6))
    with pytest.raises(Conflict):
        store.settle(one, claim(one, 6))


def test_due_are_those_that_wait_and_those_that_nobody_is_known_to_send_any_more(store: AlertStore) -> None:
    calm, urgent, later, gone = (
        store.add(message(name, severity))
        for name, severity in (("n1", "P2"), ("n2", "P0"), ("n3", "P1"), ("n4", "P0"))
    )
    claimed = store.settle(later, claim(later, 6))
    store.settle(gone, sent(gone, 7))
    assert store.deliveries(due=6) == [urgent, calm]
    assert [one.id for one in store.deliveries(due=claimed.next_at)] == [urgent.id, claimed.id, calm.id]
    failing = store.settle(urgent, failed(claim(urgent, 6), "it answered 503", 8))
    assert store.deliveries(due=8) == [calm]
    assert failing in store.deliveries(due=LATEST)
    assert store.deliveries(since=6) == []


def test_what_was_written_is_there_for_the_next_process(tmp_path: Path) -> None:
    first = SqlAlertStore(Database(tmp_path / "control.sqlite"))
    first.commit(Book("late"), Book("late"), [alert("a")], [message("n")])
    again = SqlAlertStore(Database(tmp_path / "control.sqlite"))
    assert (again.alerts(), again.deliveries()) == ([alert("a")], [message("n")])
