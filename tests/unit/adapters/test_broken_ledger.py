"""Heads of the ledger, or their key, that are gone, damaged or of another ledger: told, and nothing is written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.app.home import Home
from homeostat.app.processes.belonging import refuse_other_evidence
from homeostat.control.days import Day, Inputs
from homeostat.governance.audit import GENESIS, Draft, Entry, seal
from homeostat.kernel.errors import HomeostatError, IntegrityError


def _entry(seq: int) -> Entry:
    return seal(Draft(f"d{seq}", "demo", seq, "note", "HOLD", "t", ()), seq, GENESIS)


def _decided(home: Home, many: int) -> None:
    """So many decisions, each with its signed heads."""
    home.root.mkdir(exist_ok=True)
    database = Database(home.control_db)
    store = SqlControlStore(database, HeadsFile(home.ledger))
    for seq in range(1, many + 1):
        state = store.state("demo")
        store.commit(state, state, [_entry(seq).draft], [])
    database.close()


def test_a_ledger_that_was_put_back_from_an_older_copy_takes_no_decision(tmp_path: Path) -> None:
    home = Home(tmp_path)
    _decided(home, 2)
    before = (home.ledger / "heads.jsonl").read_bytes()
    with pytest.raises(IntegrityError, match="Entry 2 of the ledger was written before"):
        HeadsFile(home.ledger).intend(_entry(2))
    assert (home.ledger / "heads.jsonl").read_bytes() == before
    HeadsFile(home.ledger).intend(_entry(3))
    HeadsFile(home.ledger).intend(_entry(3))  # as after a crash between the two


def test_many_heads_are_read_from_their_end(tmp_path: Path) -> None:
    heads = HeadsFile(tmp_path)
    assert heads.newest_sealed() is None
    for seq in range(1, 31):
        heads.intend(_entry(seq))
        heads.seal(_entry(seq))
    heads.intend(_entry(31))
    assert (tmp_path / "heads.jsonl").stat().st_size > 8_192
    newest = heads.newest_sealed()
    assert newest is not None
    assert (newest.seq, newest.sealed) == (30, True)


@pytest.mark.parametrize(
    ("content", "told"), [(None, "is gone: they cannot be proven"), (b"", "no Ed25519"), (b"\x07" * 90, "no Ed25519")]
)
def test_a_key_that_is_gone_or_damaged_is_not_made_anew(tmp_path: Path, content: bytes | None, told: str) -> None:
    HeadsFile(tmp_path).intend(_entry(1))
    HeadsFile(tmp_path).seal(_entry(1))
    key = tmp_path / "key.pem"
    key.unlink() if content is None else key.write_bytes(content)
    with pytest.raises(IntegrityError, match=told):
        HeadsFile(tmp_path).intend(_entry(2))
    assert (key.read_bytes() if key.exists() else None) == content


def test_a_key_with_one_bit_changed_signs_nothing(tmp_path: Path) -> None:
    HeadsFile(tmp_path).intend(_entry(1))
    HeadsFile(tmp_path).seal(_entry(1))
    key = bytearray((tmp_path / "key.pem").read_bytes())
    key[75] = ord("A") if key[75] != ord("A") else ord("B")
    (tmp_path / "key.pem").write_bytes(key)
    with pytest.raises(IntegrityError, match="is not the key by which entry 1"):
        HeadsFile(tmp_path).intend(_entry(2))


def _no_store(home: Home) -> None:
    home.control_db.unlink()


def _empty_store(home: Home) -> None:
    home.control_db.write_bytes(b"")


def _other_store(home: Home) -> None:
    home.control_db.unlink()
    Database(home.control_db).close()


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        (_no_store, "is gone, which held"),
        (_empty_store, "is empty, which held"),
        (_other_store, "does not hold decision 2"),
    ],
)
def test_a_home_whose_decisions_are_lost_is_not_started(tmp_path: Path, lost: object, told: str) -> None:
    home = Home(tmp_path)
    _decided(home, 2)
    refuse_other_evidence(home, ["demo"], pytest.fail)
    lost(home)  # type: ignore[operator]
    with pytest.raises(IntegrityError, match=told):
        refuse_other_evidence(home, ["demo"], pytest.fail)
    if lost is not _other_store:  # nor does a command look at it as if nothing had ever been decided
        with pytest.raises(IntegrityError, match=told):
            home.existing()


def test_heads_that_are_gone_are_said_at_the_start(tmp_path: Path) -> None:
    home = Home(tmp_path)
    _decided(home, 1)
    (home.ledger / "heads.jsonl").unlink()
    said: list[str] = []
    refuse_other_evidence(home, ["demo"], said.append)
    assert [line for line in said if "heads.jsonl is gone" in line] == said != []


def test_a_store_of_a_newer_release_is_refused_and_left(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"
    whole = Database(path)
    with whole.writing() as connection:
        connection.execute("PRAGMA user_version = 99")
    whole.close()
    with pytest.raises(HomeostatError, match="newer Homeostat: its layout is 99"):
        Database(path)


def test_a_loop_that_served_and_has_no_log_is_not_started(tmp_path: Path) -> None:
    home = Home(tmp_path)
    database = Database(home.control_db)
    store = SqlControlStore(database, HeadsFile(home.ledger))
    state = store.state("demo")
    inputs = Inputs(3, {"v1": 3}, {}, 0, "v1", {}, {}, None, {}, {})
    store.commit(state, state, [], [Day("2013-02-03", 0, 10, 20, inputs, None)])
    database.close()
    with pytest.raises(IntegrityError, match=r"log of 'demo' is gone from .*: 3 predictions were served"):
        refuse_other_evidence(home, ["demo", "other"], pytest.fail)
    (home.log / "demo").mkdir(parents=True)
    refuse_other_evidence(home, ["demo"], pytest.fail)
