"""A relational store whose file is damaged or out of reach is told in our words, and left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.adapters.sql import database
from homeostat.adapters.sql.database import Database
from homeostat.kernel import readable
from homeostat.kernel.errors import IntegrityError, Unavailable


def test_a_file_that_is_no_database_is_told_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"
    path.write_bytes(b"\x07" * 2_000)
    with pytest.raises(IntegrityError, match=r"control\.sqlite is damaged: file is not a database") as told:
        Database(path)
    assert "put back a copy" in told.value.mend
    assert path.read_bytes() == b"\x07" * 2_000


def test_a_page_that_is_damaged_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"
    whole = Database(path)
    with whole.writing() as connection:
        rows = [(f"loop{number}", 1, "x" * 500) for number in range(200)]
        connection.executemany("INSERT INTO loops (loop, revision, state) VALUES (?, ?, ?)", rows)
    whole.close()
    held = bytearray(path.read_bytes())
    held[8_192:] = b"\x07" * (len(held) - 8_192)
    path.write_bytes(held)
    with pytest.raises(IntegrityError, match="is damaged"), Database(path).reading() as connection:
        connection.execute("SELECT state FROM loops").fetchall()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="unable to open database file"):
        Database(tmp_path / "gone" / "control.sqlite")


def test_a_home_that_may_only_be_read_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "control.sqlite"
    Database(path).close()
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(database, "may_write", lambda folder: False)
    monkeypatch.setattr(readable, "may_write", lambda folder: False)
    looked_at = Database(path)
    with looked_at.reading() as connection:
        assert connection.execute("SELECT count(*) FROM loops").fetchone() == (0,)
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(Unavailable, match=r"cannot be written: .*readonly"), looked_at.writing() as connection:
        connection.execute("DELETE FROM loops")
    path.with_name("control.sqlite-wal").write_bytes(b"newer")
    assert "immutable" not in readable.read_only_address(path), "what was written last counts"


def test_a_store_that_was_replaced_while_it_was_in_use_takes_nothing(tmp_path: Path) -> None:
    """A connection that is open would write to a file that is gone, and another one would make a new store."""
    path = tmp_path / "control.sqlite"
    store = Database(path)
    with store.reading():
        path.rename(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(IntegrityError, match="was removed or replaced while it was in use"), store.writing():
            pass
    assert not path.exists()
    (tmp_path / "away").rename(path)
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM loops").fetchone() == (0,)
