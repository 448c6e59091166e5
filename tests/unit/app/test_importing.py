"""History is taken in whole, in the order in which it became known, and only where it cannot rewrite the present."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import homeostat as hs
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.files.tabular import TabularFile
from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.app.home import Running
from homeostat.app.settings import Settings
from homeostat.app.tables.importing import Source, import_history
from homeostat.data.contracts import boolean, instant, integer, number, text
from homeostat.data.identity import compile_identity
from homeostat.data.journal import Entry
from homeostat.data.tables import Table
from homeostat.kernel.clock import format_instant, parse_instant
from homeostat.kernel.errors import Conflict, ContractBroken, InvalidInput, NotFound

SEEN = Table(
    "seen",
    key="id",
    event_time="at",
    contract={
        "id": text(),
        "at": instant(),
        "size": number(0, 100, nullable=True),
        "n": integer(nullable=True),
        "ok": boolean(nullable=True),
    },
)
ASKED = Table("asked", key="id", event_time="at", contract={"id": text(), "at": instant()})
T0 = parse_instant("2024-01-01T00:00:00Z")
NOW = parse_instant("2024-06-01T00:00:00Z")
HOUR = 3_600_000_000


def at(hours):
    return format_instant(T0 + hours * HOUR)


def seen(name, hours, **more):
    return {"id": name, "at": at(hours), "size": 1.5, "n": 3, "ok": True, "known": at(hours), **more}


def write(path: Path, rows) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".parquet":
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        pq.write_table(pa.table(columns), path)
    else:
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


@pytest.fixture
def run(tmp_path):
    settings = Settings(home=tmp_path / "home", loop_file=tmp_path / "loop.py")

    def imported(*files, **more):
        sources = [
            Source(table, TabularFile(file, {n: c.kind for n, c in table.contract.items()}), "known")
            for table, file in files
        ]
        return import_history(settings, [SEEN, ASKED], sources, more.pop("now", NOW), **more)

    imported.home = settings.paths
    return imported


def stored(home, table="seen"):
    return DeltaTables(home.tables).read(table).to_pylist()


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_file_of_any_kind_is_taken_in_with_its_known_times_and_marked(run, tmp_path, kind):
    rows = [seen("b", 2, at=at(1)), seen("a", 1, size=None, n=None, ok=None)]
    done = run((SEEN, write(tmp_path / f"seen.{kind}", rows)))
    assert (done["rows"], done["again"]) == (2, False)
    found = stored(run.home)
    assert [(row["id"], row["_sequence"], row["_imported"]) for row in found] == [("a", 0, True), ("b", 1, True)]
    assert [row["_known_at"].isoformat() for row in found] == ["2024-01-01T01:00:00+00:00", "2024-01-01T02:00:00+00:00"]
    assert (found[1]["size"], found[1]["n"], found[1]["ok"], found[0]["size"]) == (1.5, 3, True, None)
    assert found[1]["at"].isoformat() == "2024-01-01T01:00:00+00:00"


def test_files_of_several_tables_are_numbered_together_as_they_became_known(run, tmp_path):
    facts = write(tmp_path / "seen.csv", [seen(f"s{n}", n) for n in (5, 1, 3)])
    asked = write(tmp_path / "asked.jsonl", [{"id": f"q{n}", "at": at(n), "known": at(n)} for n in (2, 4)])
    run((SEEN, facts), (ASKED, asked))
    numbered = {row["_sequence"]: row["id"] for table in ("seen", "asked") for row in stored(run.home, table)}
    assert [numbered[place] for place in range(5)] == ["s1", "q2", "s3", "q4", "s5"]


def test_more_rows_than_one_group_keep_their_order(run, tmp_path, monkeypatch):
    monkeypatch.setattr("homeostat.app.tables.importing._GROUP", 4)
    monkeypatch.setattr("homeostat.adapters.files.tabular._AT_ONCE", 3)
    rows = [seen(f"s{n}", n % 7) for n in range(25)]
    told = []
    run((SEEN, write(tmp_path / "seen.csv", rows)), progress=lambda *said: told.append(said))
    found = stored(run.home)
    assert [row["_sequence"] for row in found] == list(range(25))
    known = [row["_known_at"] for row in found]
    assert known == sorted(known)
    assert told[-1] == ("storing", 1, 1)
    assert {what.split()[0] for what, _, _ in told} == {"reading", "numbering", "storing"}


def test_the_same_files_again_change_nothing_and_finish_what_was_begun(run, tmp_path, monkeypatch):
    file = write(tmp_path / "seen.csv", [seen("a", 1)])
    monkeypatch.setattr("homeostat.app.tables.importing.Drain", _Killed)
    with pytest.raises(KeyboardInterrupt):
        run((SEEN, file))
    monkeypatch.undo()
    assert run((SEEN, file))["again"] is True
    assert len(stored(run.home)) == 1
    assert run((SEEN, file))["rows"] == 1
    assert len(stored(run.home)) == 1


class _Killed:
    def __init__(self, *_):
        raise KeyboardInterrupt


def test_an_import_that_is_killed_while_it_numbers_leaves_nothing_and_may_begin_again(run, tmp_path):
    file = write(tmp_path / "seen.csv", [seen("a", 1), seen("b", 2)])

    def killed(what, done, total):
        if what == "numbering":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run((SEEN, file), progress=killed)
    journal = SqliteJournal(run.home.root / "journal.sqlite")
    assert journal.sequence() == -1
    journal.close()
    assert not (run.home.root / "import.sqlite").exists()
    assert run((SEEN, file))["rows"] == 2


def test_one_broken_row_stops_everything_with_its_place_and_mend(run, tmp_path, monkeypatch):
    monkeypatch.setattr("homeostat.adapters.files.tabular._AT_ONCE", 2)
    rows = [seen("a", 1), seen("b", 2), seen("c", 3, size=101)]
    with pytest.raises(ContractBroken, match=r"1 of 3 rows .* Row 2: Column 'size' is 101.0, above") as caught:
        run((SEEN, write(tmp_path / "seen.csv", rows)))
    assert caught.value.facts["reasons"] == {"above_maximum": 1}
    assert not (run.home.tables / "seen").exists()


def test_broken_rows_can_be_kept_apart_instead(run, tmp_path):
    rows = [seen("a", 1), seen("b", 2, size="much"), seen("", 3, at="2024-01-01T05:00:00")]
    done = run((SEEN, write(tmp_path / "seen.csv", rows)), keep_apart=True)
    assert (done["rows"], done["quarantined"]) == (1, 2)
    journal = SqliteJournal(run.home.root / "journal.sqlite")
    assert {kept.reason for kept in journal.quarantined("seen")} == {"wrong_type", "null_not_allowed"}
    journal.close()


def test_rows_of_which_none_is_good_are_refused_even_then(run, tmp_path):
    with pytest.raises(ContractBroken, match="1 of 1 row "):
        run((SEEN, write(tmp_path / "seen.csv", [seen("a", 1, size=-1)])), keep_apart=True)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (seen("a", 1, at="2024-01-01T01:00:00"), "no_offset"),
        (seen("a", 1, known="2024-01-01T01:00:00"), "no_offset"),
        (seen("a", 1, known=None), "null_not_allowed"),
        (seen("a", 1, known="soon"), "wrong_type"),
        (seen("a", 1, known="2024-07-01T00:00:00Z"), "from_the_future"),
        (seen("a", 1, at=at(2)), "known_before_it_happened"),
    ],
)
def test_a_known_time_that_cannot_be_is_refused(run, tmp_path, row, reason):
    with pytest.raises(ContractBroken) as caught:
        run((SEEN, write(tmp_path / "seen.jsonl", [row])))
    assert caught.value.facts["reasons"] == {reason: 1}
    assert caught.value.mend


def test_parquet_times_without_a_zone_are_refused(run, tmp_path):
    naive = pa.array([T0], pa.timestamp("us"))
    columns = {"id": ["a"], "at": naive, "known": [at(1)]}
    pq.write_table(pa.table(columns), tmp_path / "seen.parquet")
    with pytest.raises(ContractBroken, match="without offset"):
        run((SEEN, tmp_path / "seen.parquet"))


def test_zoned_parquet_times_and_decimals_are_read_exactly(run, tmp_path):
    zoned = pa.array([T0 + 123_456], pa.timestamp("us", tz="America/New_York"))
    columns = {"id": pa.array(["a"]).dictionary_encode(), "at": zoned, "known": zoned, "size": pa.array([2.5])}
    columns["size"] = columns["size"].cast(pa.decimal128(5, 2))
    pq.write_table(pa.table(columns), tmp_path / "seen.parquet")
    run((SEEN, tmp_path / "seen.parquet"))
    [row] = stored(run.home)
    assert (row["at"].isoformat(), row["size"]) == ("2024-01-01T00:00:00.123456+00:00", 2.5)


@pytest.mark.parametrize(
    ("name", "content", "error", "says"),
    [
        ("seen.csv", "", InvalidInput, "is empty"),
        ("seen.csv", "id,at,known\n", InvalidInput, "has no rows"),
        ("seen.csv", "id,at,known,sise\na,b,c,d\n", InvalidInput, "unknown column 'sise'.*Did you mean 'size'"),
        ("seen.csv", "id,at\na,b\n", InvalidInput, "no column 'known'"),
        ("seen.csv", "id,known\na,b\n", InvalidInput, "no column 'at'"),
        ("seen.csv", "id,at,known,id\na,b,c,d\n", InvalidInput, "names 'id' twice"),
        ("seen.csv", "id,at,known\na,b\n", InvalidInput, "cannot be read"),
        ("seen.parquet", "PAR0", InvalidInput, "cannot be read"),
        ("seen.jsonl", '{"id": 1}\n{"id":\n', InvalidInput, "line 2"),
        ("seen.xlsx", "x", InvalidInput, "of no kind that can be read"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_whole(run, tmp_path, name, content, error, says):
    (tmp_path / name).write_text(content)
    with pytest.raises(error, match=says):
        run((SEEN, tmp_path / name))
    assert not (run.home.tables / "seen").exists()


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NotFound, match="There is no file"):
        TabularFile(tmp_path / "none.csv", {})


def live(home, known, table=SEEN):
    home.prepare()
    journal = SqliteJournal(home.root / "journal.sqlite")
    row = {"id": "live", "at": known} | ({} if table is ASKED else {"size": None, "n": None, "ok": None})
    journal.record([Entry(table.name, known, [row], compile_identity(table)([row]), [known])])
    journal.close()


def test_a_table_that_lives_takes_no_history(run, tmp_path):
    live(run.home, T0)
    with pytest.raises(Conflict, match="has facts of its own"):
        run((SEEN, write(tmp_path / "seen.csv", [seen("a", 1)])))


def test_history_is_not_slipped_in_before_what_is_known(run, tmp_path):
    live(run.home, T0 + 5 * HOUR, ASKED)
    with pytest.raises(Conflict, match=r"known at 2024-01-01T04:00:00Z, but .* 2024-01-01T05:00:00Z"):
        run((SEEN, write(tmp_path / "seen.csv", [seen("a", 4)])))
    assert run((SEEN, write(tmp_path / "later.csv", [seen("a", 5)])))["rows"] == 1


def test_a_second_part_of_history_may_follow_the_first(run, tmp_path):
    run((SEEN, write(tmp_path / "one.csv", [seen("a", 1)])))
    done = run((SEEN, write(tmp_path / "two.csv", [seen("a", 2, size=9), seen("b", 3)])))
    assert (done["first_sequence"], done["last_sequence"]) == (1, 2)


def test_nothing_is_imported_while_homeostat_runs(run, tmp_path):
    run.home.prepare()
    run.home.announce(Running(os.getpid(), "", "", "", "", "system"))
    with pytest.raises(Conflict, match="is running"):
        run((SEEN, write(tmp_path / "seen.csv", [seen("a", 1)])))


def test_a_return_to_earlier_content_within_history_is_kept(run, tmp_path):
    rows = [seen("a", known, at=at(0), size=size) for known, size in ((0, 1), (2, 2), (9, 1))]
    run((SEEN, write(tmp_path / "seen.csv", rows)))
    assert [row["size"] for row in stored(run.home)] == [1.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (hs.batch_mean("size", 5, 9), "mean of size is 1.5, below 5"),
        (hs.batch_rows(at_most=2), "row count is 3, above 2"),
        (hs.unique("size"), "2 of 3 rows break 'rule:unique size'"),
    ],
)
def test_a_history_that_breaks_what_is_promised_of_a_batch_is_refused_whole(run, tmp_path, monkeypatch, broken, said):
    monkeypatch.setattr("homeostat.adapters.files.tabular._AT_ONCE", 1)
    table = replace(SEEN, rules=[broken])
    with pytest.raises(ContractBroken, match=said):
        run((table, write(tmp_path / "seen.csv", [seen(f"s{n}", n) for n in range(3)])))
    assert not (run.home.tables / "seen").exists()
