"""What every store of consumers must keep: one name once, and every change in the ledger with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.consumers import SqlConsumers
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.control.state import initial_state
from homeostat.governance.audit import audit
from homeostat.governance.consumers import Consumer, ConsumerStore
from homeostat.governance.outputs import REPLY, OutputContract
from homeostat.kernel.errors import Conflict, NotFound

BOARD = Consumer("late", "board", "ops", ("probability",), OutputContract(dict(REPLY), "m", 0.5), 7)


@pytest.fixture
def heads(tmp_path: Path) -> HeadsFile:
    return HeadsFile(tmp_path / "ledger")


@pytest.fixture
def control(tmp_path: Path, heads: HeadsFile) -> SqlControlStore:
    return SqlControlStore(Database(tmp_path / "control.sqlite"), heads)


@pytest.fixture
def store(tmp_path: Path, heads: HeadsFile, control: SqlControlStore) -> ConsumerStore:
    return SqlConsumers(Database(tmp_path / "control.sqlite"), heads)


def test_who_is_registered_is_read_back_as_it_was(store: ConsumerStore) -> None:
    others = [dataclasses.replace(BOARD, name="alarm"), dataclasses.replace(BOARD, loop="early")]
    for one in (BOARD, *others):
        assert store.add(one) == one
    assert store.list() == [others[1], others[0], BOARD]


def test_a_taken_name_is_kept_and_the_holder_named(store: ConsumerStore, control: SqlControlStore) -> None:
    store.add(BOARD)
    with pytest.raises(Conflict, match="'board' is registered for 'late' already"):
        store.add(dataclasses.replace(BOARD, contact="somebody else"))
    assert store.list() == [BOARD]
    assert len(control.entries()) == 1


def test_who_is_not_registered_cannot_be_removed(store: ConsumerStore, control: SqlControlStore) -> None:
    store.add(BOARD)
    for loop, name in (("late", "bord"), ("early", "board")):
        with pytest.raises(NotFound):
            store.remove(loop, name, 9)
    store.remove("late", "board", 9)
    with pytest.raises(NotFound):
        store.remove("late", "board", 9)
    assert store.list() == []
    assert len(control.entries()) == 2


def test_a_name_may_come_back_and_the_ledger_tells_each_time(
    store: ConsumerStore, control: SqlControlStore, heads: HeadsFile
) -> None:
    store.add(BOARD)
    store.remove("late", "board", 9)
    again = store.add(dataclasses.replace(BOARD, contact="new desk", since=11))
    assert again.revision == 2
    assert store.list() == [again]
    told = [(entry.draft.title, entry.draft.at, entry.draft.evidence["contact"]) for entry in control.entries("late")]
    assert told == [
        ("board reads the predictions", 7, "ops"),
        ("board no longer reads the predictions", 9, "ops"),
        ("board reads the predictions", 11, "new desk"),
    ]
    assert audit(control.entries(), heads.read(), heads.signer).intact


def test_the_ledger_goes_on_between_consumers_and_decisions(
    store: ConsumerStore, control: SqlControlStore, heads: HeadsFile
) -> None:
    store.add(BOARD)
    control.commit(initial_state("late"), initial_state("late"), [], [])
    store.remove("late", "board", 9)
    assert [entry.seq for entry in control.entries()] == [1, 2]
    assert control.state("late").revision == 1
    assert audit(control.entries(), heads.read(), heads.signer).intact


def test_a_store_made_before_there_were_consumers_gains_them(tmp_path: Path, heads: HeadsFile) -> None:
    with Database(tmp_path / "old.sqlite").writing() as connection:
        connection.execute("DROP TABLE consumers")
    assert SqlConsumers(Database(tmp_path / "old.sqlite"), heads).add(BOARD) == BOARD
