"""What every table store must do: keep rows once, in order, in versions that stay readable."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from homeostat.adapters.delta.rows import facts_of, sought_of
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.data.contracts import boolean, instant, integer, number, text
from homeostat.data.journal import Batch
from homeostat.data.tables import Table
from homeostat.kernel.errors import Conflict, IntegrityError, NotFound, Unavailable

ROOT = Path(__file__).resolve().parents[2]
SEEN = Table(
    "seen",
    key="id",
    event_time="at",
    contract={
        "id": text(),
        "at": instant(),
        "size": number(nullable=True),
        "n": integer(nullable=True),
        "ok": boolean(nullable=True),
    },
)


def rows(first: int, count: int = 3) -> pa.Table:
    numbers = range(first, first + count)
    columns = {
        "id": [f"é{n}" for n in numbers],
        "at": [n * 10 for n in numbers],
        "size": [None if n % 2 else float(n) for n in numbers],
        "n": list(numbers),
        "ok": [None] * count,
    }
    return facts_of(SEEN, [Batch("seen", first, 7, count, columns)])


@pytest.fixture(params=[DeltaTables], ids=["delta"])
def open_store(request, tmp_path):
    return lambda **options: request.param(tmp_path / "tables", **options)


@pytest.fixture
def store(open_store):
    return open_store()


def put(store, first, count=3):
    return store.append("seen", rows(first, count), writer="w", upto=first + count - 1)


def test_rows_come_back_exactly_with_their_types(store):
    put(store, 0)
    assert store.read("seen").equals(rows(0))


def test_an_append_that_comes_again_changes_nothing(store, open_store):
    version = put(store, 0)
    assert put(store, 0) == version
    assert put(open_store(), 0) == version
    assert store.read("seen").num_rows == 3


def test_writers_do_not_hide_each_other(store):
    store.append("seen", rows(0), writer="a", upto=10)
    store.append("seen", rows(3), writer="b", upto=2)
    assert (store.committed("seen", "a"), store.committed("seen", "b"), store.committed("seen", "c")) == (
        10,
        2,
        -1,
    )
    assert store.read("seen").num_rows == 6


def test_what_does_not_exist_has_no_version_and_no_rows(store):
    assert store.version("seen") == -1
    assert store.committed("seen", "w") == -1
    with pytest.raises(NotFound, match="Nothing is stored for 'seen'"):
        store.read("seen")
    with pytest.raises(NotFound):
        store.compact("seen")


def test_every_version_stays_readable_through_compaction(store):
    versions = [put(store, first) for first in range(0, 30, 3)]
    store.compact("seen")
    assert store.read("seen")["_sequence"].to_pylist() == list(range(30))
    for held, version in enumerate(versions, start=1):
        assert store.read("seen", version=version).num_rows == 3 * held


def test_merged_files_can_be_read_in_small_parts(open_store, tmp_path):
    store = open_store()
    for part in range(2):
        made = pa.table({"id": [f"r{place}" for place in range(50_000)], "_sequence": range(50_000)})
        store.append("big", made, writer="test", upto=part)
    store.compact("big")
    merged = max(tmp_path.rglob("big/*.parquet"), key=lambda path: path.stat().st_size)
    assert pq.ParquetFile(merged).metadata.num_row_groups == 2


def test_compaction_happens_by_itself(open_store, tmp_path):
    store = open_store(compact_every=5)
    versions = [put(store, first) for first in range(0, 21, 3)]
    assert versions[-1] > versions[0] + 6
    assert store.read("seen")["_sequence"].to_pylist() == list(range(21))


def test_rows_come_in_the_order_of_acceptance_however_they_were_stored(store):
    put(store, 3)
    store.append("seen", rows(0), writer="late", upto=0)
    assert store.read("seen")["_sequence"].to_pylist() == list(range(6))
    assert store.read("seen", columns=["n"])["n"].to_pylist() == list(range(6))


def test_only_what_is_asked_for_is_read(store):
    put(store, 0, 100)
    found = store.read("seen", columns=["size", "id"], where=pc.field("_sequence") < 3)
    assert found.to_pydict() == {"size": [0.0, None, 2.0], "id": ["é0", "é1", "é2"]}


def test_the_newest_value_of_a_column_is_told(store):
    assert store.newest("seen", "at") is None
    for place, first in enumerate((10, 0)):
        store.append("seen", rows(first), writer="w", upto=place)
    assert store.newest("seen", "at").cast(pa.int64()).as_py() == 120
    assert store.newest("seen", "ok") is None


def test_files_keep_statistics_of_what_is_looked_for_and_give_the_same_rows(open_store, tmp_path):
    store = open_store(sought={"seen": sought_of(SEEN)}.get)
    put(store, 0)
    put(store, 3)
    store.append("seen", rows(6).append_column("gate", pa.array(["A", None, "B"])), writer="w", upto=8)
    told = DeltaTable(tmp_path / "tables/seen").get_add_actions(flatten=True).column_names
    kept = {name.removeprefix("min.") for name in told if name.startswith("min.")}
    assert kept == {"id", "at", "_sequence", "_known_at"}
    for where in (pc.field("size") == 4.0, pc.field("id") == "é4", pc.field("_sequence") == 4, pc.field("n") == 4):
        assert store.read("seen", columns=["n"], where=where)["n"].to_pylist() == [4]
    store.compact("seen")
    assert store.read("seen", where=pc.field("gate") == "B")["n"].to_pylist() == [8]


def test_an_unknown_version_or_column_is_told(store):
    put(store, 0)
    with pytest.raises(NotFound, match="no version 99"):
        store.read("seen", version=99)
    with pytest.raises(NotFound, match="Did you mean 'size'"):
        store.read("seen", columns=["sise"])


def test_a_column_that_was_added_reads_as_null_before(store):
    put(store, 0)
    wider = rows(3).append_column("gate", pa.array(["A", None, "B"]))
    store.append("seen", wider, writer="w", upto=5)
    put(store, 6)
    assert store.read("seen")["gate"].to_pylist() == [None, None, None, "A", None, "B", None, None, None]


def test_a_column_that_changed_its_kind_is_refused_and_nothing_is_written(store):
    version = put(store, 0)
    changed = rows(3).set_column(3, "n", pa.array(["x", "y", "z"]))
    with pytest.raises(Conflict, match="'n'"):
        store.append("seen", changed, writer="w", upto=5)
    assert store.version("seen") == version
    assert store.committed("seen", "w") == 2


def test_few_rows_are_found_by_their_values_as_by_a_condition(store):
    for part in range(4):
        store.append("seen", rows(part * 3), writer="r", upto=part)
    asked = {"id": "é7", "n": 4, "size": 8.0, "at": 50, "ok": True}
    conditions = {
        **{name: pc.field(name) == value for name, value in asked.items() if name != "at"},
        "at": pc.field("at") == pa.scalar(50, pa.timestamp("us", tz="UTC")),
    }
    for name, value in asked.items():
        for columns in (["size", "id"], None):
            for version in (None, 3):
                found = store.read("seen", version=version, columns=columns, where={name: value})
                assert found.equals(store.read("seen", version=version, columns=columns, where=conditions[name]))
    assert store.read("seen", where={"id": "é7", "n": 7})["n"].to_pylist() == [7]
    assert store.read("seen", where={"ok": None}).num_rows == 0, "nothing equals what is missing"
    with pytest.raises(NotFound):
        store.read("seen", columns=["nothing"], where={"id": "é7"})
    with pytest.raises(NotFound, match="Did you mean 'size'"):
        store.read("seen", where={"sise": 1.0})


@pytest.mark.parametrize("hostile", ["it's", "' OR ''='", "a\\", '"', "é\n\x00;--", "", "%", "$1"])
def test_a_value_that_looks_like_a_query_is_a_value(store, hostile):
    named = rows(0).set_column(0, "id", pa.array([hostile, "other", "'"]))
    store.append("seen", named, writer="w", upto=1)
    assert store.read("seen", where={"id": hostile})["id"].to_pylist() == [hostile]


def test_a_column_named_like_a_query_is_a_column(store):
    store.append("seen", rows(0).append_column('Se"lect *', pa.array([1, 2, 2])), writer="w", upto=1)
    assert store.read("seen", columns=["n"], where={'Se"lect *': 2})["n"].to_pylist() == [1, 2]


def test_a_reader_elsewhere_sees_each_commit(store, open_store):
    other = open_store()
    for first in (0, 3):
        version = put(store, first)
        assert other.version("seen") == version
        assert other.read("seen").num_rows == first + 3


def test_tables_are_appended_to_in_parallel(store):
    def fill(name: str) -> None:
        for first in range(0, 15, 3):
            store.append(name, rows(first), writer="w", upto=first + 2)

    threads = [threading.Thread(target=fill, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.read(name).num_rows for name in ("a", "b", "c")] == [15, 15, 15]


def test_a_folder_that_cannot_be_opened_is_told_and_tried_again(open_store, tmp_path):
    store = open_store()
    put(store, 0)
    (tmp_path / "tables").rename(tmp_path / "aside")
    (tmp_path / "tables").write_text("no folder")
    with pytest.raises(Unavailable, match="'seen' cannot be opened"):
        store.committed("seen", "test")
    (tmp_path / "tables").unlink()
    (tmp_path / "aside").rename(tmp_path / "tables")
    assert store.version("seen") == 1


def test_a_file_that_is_damaged_or_gone_is_told_in_our_words(open_store, tmp_path):
    put(open_store(), 0)
    (rows,) = (tmp_path / "tables/seen").glob("*.parquet")
    rows.write_bytes(b"\x07" * 200)
    with pytest.raises(IntegrityError, match=r"A file of table 'seen' is damaged .*not found in footer"):
        open_store().read("seen")
    with pytest.raises(IntegrityError, match=r"A file of table 'seen' is damaged"):
        open_store().newest("seen", "at")
    rows.unlink()
    with pytest.raises(NotFound, match="A file of table 'seen' is missing") as told:
        open_store().read("seen", version=1)
    assert "put the folder back from a copy" in told.value.mend
    for entry in (tmp_path / "tables/seen/_delta_log").glob("*.json"):
        entry.write_bytes(b"\x07")
    with pytest.raises(
        IntegrityError, match=r"'seen' cannot be opened, its log is damaged: [^\n]*parsing value\."
    ) as told:
        open_store().version("seen")
    assert "unknown" not in told.value.problem


def test_a_disk_that_refuses_is_told(open_store, tmp_path):
    (tmp_path / "tables").write_text("in the way")
    with pytest.raises(Unavailable, match="'seen' cannot be written"):
        put(open_store(), 0)


APPENDER = """
import sys
from pathlib import Path
from homeostat.adapters.delta.tables import DeltaTables
from tests.contract.test_table_store import put
store = DeltaTables(Path(sys.argv[1]), compact_every=4)
first = store.committed("seen", "w") + 1
while True:
    put(store, first, 50)
    first += 50
    print(first, flush=True)
"""


@pytest.mark.slow
def test_an_append_that_is_killed_leaves_all_of_its_rows_or_none(tmp_path):
    for kill_after in (1, 4, 6, 9):
        process = subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(kill_after):
            said = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        store = DeltaTables(tmp_path)
        sequence = store.read("seen")["_sequence"].to_pylist()
        assert sequence == list(range(len(sequence)))
        assert len(sequence) >= said
        assert len(sequence) == store.committed("seen", "w") + 1


def files(tmp_path):
    return len(list((tmp_path / "tables" / "seen").glob("*.parquet")))


def test_vacuum_removes_what_no_kept_version_needs_and_leaves_what_they_do(open_store, tmp_path):
    store = open_store(compact_every=100)
    for n in range(0, 30, 3):
        put(store, n)
    store.compact("seen")
    kept, gone, newest = 4, 7, store.version("seen")
    assert files(tmp_path) == 11
    assert store.vacuum("seen", [kept], hours=0, dry_run=True).files == 6
    assert files(tmp_path) == 11
    assert store.vacuum("seen", [kept], hours=1, dry_run=False).files == 0
    removed = store.vacuum("seen", [kept], hours=0, dry_run=False)
    assert (removed.files, removed.bytes > 0, files(tmp_path)) == (6, True, 5)
    for reader in (store, open_store()):
        assert reader.read("seen", version=kept).num_rows == 12
        assert reader.read("seen", version=newest).num_rows == reader.read("seen").num_rows == 30
        with pytest.raises(NotFound, match=f"Version {gone} of table 'seen' has been vacuumed"):
            reader.read("seen", version=gone)
        with pytest.raises(NotFound, match=f"Version {gone} of table 'seen' has been vacuumed"):
            reader.read("seen", version=gone, where={"id": "é20"})
    put(store, 30)
    assert store.read("seen").num_rows == 33
    assert store.committed("seen", "w") == 32


def test_vacuum_that_finds_nothing_makes_no_version(store):
    put(store, 0)
    before = store.version("seen")
    assert store.vacuum("seen", [], hours=0, dry_run=False).files == 0
    assert store.version("seen") == before


def test_what_a_killed_writer_left_behind_is_vacuumed(store, tmp_path):
    put(store, 0)
    (tmp_path / "tables" / "seen" / "part-torn.parquet").write_bytes(b"torn")
    assert store.vacuum("seen", [], hours=0, dry_run=False).files == 1
    assert store.read("seen").num_rows == 3


def test_a_table_can_be_described(store):
    with pytest.raises(NotFound):
        store.describe("seen")
    put(store, 0)
    put(store, 3)
    before = store.describe("seen")
    assert (before.rows, before.files, before.compacted_at) == (6, 2, None)
    store.compact("seen")
    after = store.describe("seen")
    assert (after.rows, after.files, after.version) == (6, 1, before.version + 1)
    assert after.bytes > before.bytes
    assert after.compacted_at > 1_700_000_000_000_000
    assert after.vacuumed_at is None


def test_small_files_are_counted_across_restarts(open_store):
    for n in range(0, 15, 3):
        put(open_store(compact_every=5), n)
    assert open_store().describe("seen").files == 1


def test_stored_columns_are_told(store):
    put(store, 0)
    assert store.columns("seen") == [*SEEN.contract, "_sequence", "_known_at", "_imported"]
