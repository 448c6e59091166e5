"""What the recorder's stores are opened with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from homeostat.adapters.delta.rows import facts_of
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.app.recorder.opening import open_online, open_stores
from homeostat.data.contracts import instant, number, text
from homeostat.data.identity import compile_identity
from homeostat.data.journal import JOURNAL_WRITER, Batch, Entry
from homeostat.data.tables import Table
from homeostat.features.definitions import feature_set
from homeostat.features.views import Latest
from homeostat.kernel.errors import IntegrityError, Unavailable

SEEN = Table(
    "seen", key="id", event_time="at", contract={"id": text(), "at": instant(), "due": instant(), "size": number()}
)


def test_files_keep_statistics_of_what_is_looked_for_alone(tmp_path: Path) -> None:
    stores = open_stores(tmp_path, [SEEN])
    rows = facts_of(SEEN, [Batch("seen", 0, 7, 1, {"id": ["a"], "at": [1], "due": [2], "size": [3.0]})])
    stores.tables.append("seen", rows, writer="w", upto=0)
    log = pa.table({"prediction_id": ["p"], "asked_at": [1], "probability": [0.5], "q_size": [3.0], "x_size": [3.0]})
    stores.log.append("late", log, writer="w", upto=0)
    stores.journal.close()
    assert _kept(tmp_path / "tables/seen") == {"id", "at", "due", "_sequence", "_known_at"}
    assert _kept(tmp_path / "log/late") == {"prediction_id", "asked_at"}


def _kept(table: Path) -> set[str]:
    names = DeltaTable(table).get_add_actions(flatten=True).column_names
    return {name.removeprefix("min.") for name in names if name.startswith("min.")}


def test_a_table_that_is_gone_or_older_than_the_journal_is_refused(tmp_path: Path) -> None:
    """What the journal let go is nowhere else: a new table in its place would hide that it is missing."""
    _recorded(tmp_path, "a", "b")
    open_stores(tmp_path, [SEEN]).journal.close()
    newest = tmp_path / "tables/seen/_delta_log/00000000000000000002.json"
    newest.rename(tmp_path / "away")
    with pytest.raises(IntegrityError, match=r"Facts of table 'seen' up to 1 were stored in .*, but its newest is 0"):
        open_stores(tmp_path, [SEEN])
    shutil.rmtree(tmp_path / "tables/seen")
    with pytest.raises(IntegrityError, match="but it is not there"):
        open_stores(tmp_path, [SEEN])
    assert not (tmp_path / "tables/seen").exists()


def test_a_journal_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    _recorded(tmp_path, "a")
    (tmp_path / "journal.sqlite").unlink()
    with pytest.raises(IntegrityError, match="hold fact 0, but there is no journal"):
        open_stores(tmp_path, [SEEN])
    assert not (tmp_path / "journal.sqlite").exists()


def _recorded(home: Path, *names: str) -> None:
    """Facts that were taken in, stored one commit each, and let go by the journal."""
    stores = open_stores(home, [SEEN])
    for name in names:
        rows = [{"id": name, "at": 1, "due": 2, "size": 3.0}]
        (done,) = stores.journal.record([Entry("seen", 7, rows, compile_identity(SEEN)(rows), [1])])
        batches = stores.journal.pending(done.first_sequence - 1)
        stores.tables.append("seen", facts_of(SEEN, batches), writer=JOURNAL_WRITER, upto=batches[-1].last_sequence)
        stores.journal.forget([("seen", batches[-1].last_sequence)])
    stores.journal.close()


@pytest.mark.parametrize("page", [0, 4_096])
def test_an_online_store_that_is_damaged_is_made_anew_and_kept_aside(tmp_path: Path, page: int) -> None:
    """A damaged first page is known at once, another when it is read; all that it held is in the tables."""
    path = tmp_path / "online.sqlite"
    features = [feature_set(SEEN, [Latest(SEEN, by="id", columns=["size"])])]
    first = SqliteOnlineStore(path)
    first.prepare(features)
    first.close()
    held = bytearray(path.read_bytes())
    held[page:] = b"\x07" * (len(held) - page)
    path.write_bytes(held)
    stores = open_stores(tmp_path, [SEEN])
    made = open_online(path, stores, [SEEN], features)
    assert made.sequence() == -1
    made.close()
    stores.journal.close()
    assert (tmp_path / "online.sqlite.damaged").read_bytes() == held


def test_an_online_store_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "online.sqlite").mkdir()
    with pytest.raises(Unavailable, match=r"online\.sqlite takes nothing: unable to open database file"):
        SqliteOnlineStore(tmp_path / "online.sqlite")
