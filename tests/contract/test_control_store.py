"""What every control store must keep: one transaction, one winner, one place for each decision."""

from __future__ import annotations

import dataclasses
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.state import DayCounts, LoopState, Retraining, Rollout, initial_state
from homeostat.governance.audit import Draft, audit
from homeostat.kernel.errors import Conflict, IntegrityError
from homeostat.monitoring.performance import PairSums
from homeostat.registry.models import Variant
from homeostat.serving.routing import Route
from homeostat.stats.figures.sums import ScoreSums


@pytest.fixture
def heads(tmp_path: Path) -> HeadsFile:
    return HeadsFile(tmp_path / "ledger")


@pytest.fixture
def store(tmp_path: Path, heads: HeadsFile) -> SqlControlStore:
    return SqlControlStore(Database(tmp_path / "control.sqlite"), heads)


def draft(name: str) -> Draft:
    return Draft(name, "demo", 5, "note", "HOLD", f"Note {name}", ("1 > 0",), "v1", evidence={"n": 1})


def day(name: str, rows: int = 3) -> Day:
    inputs = Inputs(rows, {"v1": rows}, {}, 0, "v1", {"x": 0.1, "y": None}, {"x": 0.05}, None, {"t": 5}, {"t": 0})
    sums = ScoreSums.of([1, 0], [0.7, 0.2])
    outcomes = Outcomes(2, 1, 0, sums, {"v1": sums}, (PairSums(name, "v2", "v1", 2, -0.1),))
    return Day(name, 0, 10, 20, inputs, outcomes)


def rich_state() -> LoopState:
    state = initial_state("demo").standing("v1", "champion", 7)
    return dataclasses.replace(
        state,
        route=Route("demo", 3, "v1", "v2", 0.25, "v0", "salt"),
        rollout=Rollout("r", "v2", "v1", 1, 5, 6, 8, 2),
        retraining=Retraining("w", "v3", 9, "asked_for", Variant("v2", "int8")),
        decided_until=11,
        first_version="v1",
        next_version=4,
    )


def test_a_loop_never_seen_has_the_initial_state(store: SqlControlStore) -> None:
    assert store.state("demo") == initial_state("demo")


def test_everything_committed_is_read_back_as_it_was(store: SqlControlStore) -> None:
    written = store.commit(initial_state("demo"), rich_state(), [draft("a")], [day("2013-02-01")])
    assert store.state("demo") == written
    assert written == dataclasses.replace(rich_state(), revision=1)
    assert [entry.draft for entry in store.entries("demo")] == [draft("a")]
    assert store.days("demo") == [(1, day("2013-02-01"))]


def test_a_lost_race_leaves_the_winner_in_place_and_writes_nothing(store: SqlControlStore, heads: HeadsFile) -> None:
    before = store.commit(initial_state("demo"), initial_state("demo"), [], [])
    winner = store.commit(before, rich_state(), [draft("winner")], [])
    with pytest.raises(Conflict):
        store.commit(before, initial_state("demo"), [draft("loser")], [day("2013-02-01")])
    assert store.state("demo") == winner
    assert [entry.draft.id for entry in store.entries()] == ["winner"]
    assert store.days("demo") == []
    assert audit(store.entries(), heads.read(), heads.signer).intact


def test_a_decision_is_written_once_under_its_id(store: SqlControlStore) -> None:
    state = store.commit(initial_state("demo"), initial_state("demo"), [draft("a")], [])
    store.commit(state, state, [draft("a"), draft("b")], [])
    assert [(entry.seq, entry.draft.id) for entry in store.entries()] == [(1, "a"), (2, "b")]


def test_a_day_written_again_takes_its_place_under_a_new_cursor(store: SqlControlStore) -> None:
    state = store.commit(initial_state("demo"), initial_state("demo"), [], [day("2013-02-01"), day("2013-02-02")])
    store.commit(state, state, [], [day("2013-02-01", rows=9)])
    assert [(cursor, found.day, found.inputs.rows) for cursor, found in store.days("demo")] == [
        (2, "2013-02-02", 3),
        (3, "2013-02-01", 9),
    ]
    assert [found.day for _, found in store.days("demo", after=2)] == ["2013-02-01"]


def test_the_newest_days_are_those_of_the_latest_dates_oldest_first(store: SqlControlStore) -> None:
    state = store.commit(initial_state("demo"), initial_state("demo"), [], [day(f"2013-02-0{n}") for n in (3, 1, 2)])
    store.commit(state, state, [], [day("2013-02-01", rows=9)])
    assert [one.day for one in store.newest_days("demo", 2)] == ["2013-02-02", "2013-02-03"]
    assert store.newest_days("demo", 9) == [day("2013-02-01", rows=9), day("2013-02-02"), day("2013-02-03")]
    assert store.newest_days("another", 9) == []


def test_days_are_counted_as_they_stand_now(store: SqlControlStore) -> None:
    assert store.counted("demo") == DayCounts(0, 0, 0)
    young = dataclasses.replace(day("2013-02-02", rows=5), outcomes=None)
    state = store.commit(initial_state("demo"), initial_state("demo"), [], [day("2013-02-01"), young])
    assert store.counted("demo") == DayCounts(served=8, failed=0, labelled=2)
    failing = dataclasses.replace(day("2013-02-02"), inputs=dataclasses.replace(young.inputs, failed=4))
    store.commit(state, state, [], [failing])
    assert store.counted("demo") == DayCounts(served=8, failed=4, labelled=4)
    assert store.counted("another") == DayCounts(0, 0, 0)


def test_of_many_writers_at_once_each_revision_has_one_winner(store: SqlControlStore, heads: HeadsFile) -> None:
    def add(name: str) -> None:
        while True:
            state = store.state("demo")
            try:
                store.commit(state, state, [draft(name)], [])
            except Conflict:
                continue
            return

    threads = [threading.Thread(target=add, args=(f"d{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.state("demo").revision == 8
    assert sorted(entry.draft.id for entry in store.entries()) == [f"d{n}" for n in range(8)]
    assert audit(store.entries(), heads.read(), heads.signer).intact


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE ledger SET draft = replace(draft, 'HOLD', 'ACCEPT') WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 3",
        "DELETE FROM ledger",
        "UPDATE ledger SET loop = 'another' WHERE seq = 2",
        "UPDATE ledger SET id = 'another' WHERE seq = 2",
        "UPDATE ledger SET draft = '{' WHERE seq = 2",
        "UPDATE ledger SET draft = '{}' WHERE seq = 2",
        "UPDATE ledger SET draft = 7 WHERE seq = 2",
    ],
)
def test_what_is_done_to_the_database_behind_our_back_is_found(
    store: SqlControlStore, heads: HeadsFile, tmp_path: Path, attack: str
) -> None:
    store.commit(initial_state("demo"), initial_state("demo"), [draft("a"), draft("b"), draft("c")], [])
    assert audit(store.entries(), heads.read(), heads.signer).intact
    with Database(tmp_path / "control.sqlite").writing() as connection:
        connection.execute(attack)
    assert not audit(store.entries(), heads.read(), heads.signer).intact


def test_a_key_that_is_gone_readable_by_others_or_no_key_is_told_and_never_made_anew(
    store: SqlControlStore, heads: HeadsFile, tmp_path: Path
) -> None:
    key = tmp_path / "ledger" / "key.pem"
    assert heads.check_key() == []
    assert audit([], heads.read(), heads.signer).intact
    assert not key.exists(), "who only looks makes no key"
    store.commit(initial_state("demo"), initial_state("demo"), [draft("a")], [])
    assert heads.check_key() == []
    key.chmod(0o640)
    (told,) = heads.check_key()
    assert f"chmod go= {key}" in told
    key.write_text("no key")
    key.chmod(0o600)
    with pytest.raises(IntegrityError, match="holds no Ed25519 private key"):
        audit(store.entries(), heads.read(), HeadsFile(tmp_path / "ledger").signer)
    key.unlink()
    with pytest.raises(IntegrityError, match="is gone"):
        heads.check_key()
    assert not key.exists()


def test_days_that_an_older_release_wrote_are_counted_too(tmp_path: Path, heads: HeadsFile) -> None:
    with closing(sqlite3.connect(tmp_path / "control.sqlite")) as older, older:
        older.execute("CREATE TABLE days (cursor INTEGER PRIMARY KEY, loop TEXT, day TEXT, value TEXT)")
        text = msgspec.json.encode(day("2013-02-01")).decode()
        older.execute("INSERT INTO days VALUES (1, 'demo', '2013-02-01', ?)", (text,))
    for _ in range(2):
        store = SqlControlStore(Database(tmp_path / "control.sqlite"), heads)
        assert store.counted("demo") == DayCounts(3, 0, 2)
        assert store.newest_days("demo", 1) == [day("2013-02-01")]


def test_a_transaction_that_breaks_leaves_nothing_and_holds_up_nobody(tmp_path: Path) -> None:
    database = Database(tmp_path / "control.sqlite")
    broken = "INSERT INTO loops VALUES ('demo', 1, '{}')", "INSERT INTO loops VALUES ('demo', 2, '{}')"
    with pytest.raises(sqlite3.IntegrityError), database.writing() as connection:
        [connection.execute(statement) for statement in broken]
    with Database(tmp_path / "control.sqlite").writing() as other:
        assert other.execute("SELECT * FROM loops").fetchall() == []
