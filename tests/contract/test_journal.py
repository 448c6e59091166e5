"""What every journal must do: number facts without gaps, know them for ever, keep them until told otherwise."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.data.contracts import Break
from homeostat.data.journal import Entry, RefusedRow, TableCounts, fact_digest
from homeostat.kernel.errors import IntegrityError, Unavailable

HOUR = 3_600_000_000


@pytest.fixture(params=[SqliteJournal], ids=["sqlite"])
def reopen(request, tmp_path):
    opened = []

    def make():
        while opened:
            opened.pop().close()
        opened.append(request.param(tmp_path / "journal"))
        return opened[0]

    yield make
    while opened:
        opened.pop().close()


@pytest.fixture
def journal(reopen):
    return reopen()


def entry(*numbers, table="seen", known_at=0, refused=()):
    rows = [{"n": n, "x": None if n % 2 else float(n)} for n in numbers]
    return Entry(table, known_at, rows, [fact_digest(table, row) for row in rows], [10 * n for n in numbers], refused)


def refused(content, *reasons):
    breaks = tuple(Break(0, "n", reason, f"Column 'n' is {reason}.", "Mend it.") for reason in reasons)
    return RefusedRow(content, fact_digest("refused seen", {"content": content}), breaks)


def sequences(batches):
    return [n for batch in batches for n in range(batch.first_sequence, batch.last_sequence + 1)]


def test_facts_are_numbered_without_gaps_across_tables(journal):
    assert journal.sequence() == -1
    assert journal.record(entry(1, 2)).first_sequence == 0
    assert journal.record(entry(1, table="other")).first_sequence == 2
    assert journal.record(entry(3)).last_sequence == 3 == journal.sequence()


def test_a_fact_that_comes_again_is_a_duplicate_for_ever(journal, reopen):
    journal.record(entry(1, 2))
    journal.forget([("seen", 1)])
    journal = reopen()
    assert journal.record(entry(1, 2)) is None
    batch = journal.record(entry(2, 3, 3))
    assert (batch.first_sequence, batch.rows()) == (2, [{"n": 3, "x": None}])
    assert journal.counts("seen").duplicates == 4


def test_what_was_recorded_is_there_after_reopening(journal, reopen):
    rows = journal.record(entry(1, 2, known_at=5)).rows()
    [batch] = reopen().pending()
    assert (batch.table, batch.known_at, batch.count, batch.rows()) == ("seen", 5, 2, rows)


def test_batches_are_kept_in_order_until_they_are_forgotten(journal):
    for n in range(4):
        journal.record(entry(n, table="seen" if n % 2 else "other"))
    journal.forget([("seen", 1)])
    assert sequences(journal.pending()) == [0, 2, 3]
    assert sequences(journal.pending(0, upto=2)) == [2]
    journal.forget([("seen", 3), ("other", 3)])
    assert journal.pending() == []
    assert journal.record(entry(9)).first_sequence == 4


def test_pending_stops_near_its_limit_and_goes_on_from_there(journal):
    for n in range(0, 12, 3):
        journal.record(entry(n, n + 1, n + 2))
    first = journal.pending(limit=4)
    assert sequences(first) == [0, 1, 2, 3, 4, 5]
    assert sequences(journal.pending(first[-1].last_sequence, limit=4)) == [6, 7, 8, 9, 10, 11]


def test_refused_rows_are_kept_with_the_reason_newest_first(journal):
    journal.record(entry(refused=[refused("a", "wrong_type", "missing_column")], known_at=1))
    journal.record(entry(1, refused=[refused("b", "not_finite")], known_at=2))
    newest, oldest = journal.quarantined("seen")
    assert (newest.content, newest.reason, newest.known_at) == ("b", "not_finite", 2)
    assert (oldest.content, oldest.reason, oldest.column, oldest.mend) == ("a", "wrong_type", "n", "Mend it.")
    assert journal.quarantined("seen", limit=1) == [newest]
    assert journal.quarantined("other") == []


def test_a_refused_row_that_comes_again_is_kept_and_counted_once(journal):
    for _ in range(2):
        assert journal.record(entry(refused=[refused("a", "wrong_type")])) is None
    assert len(journal.quarantined("seen")) == 1
    assert journal.counts("seen").quarantined == {"wrong_type": 1}


def test_counts_tell_what_came(journal, reopen):
    assert journal.counts("seen") == TableCounts()
    journal.record(entry(5, 7, known_at=100))
    journal.record(entry(5, 6, known_at=200, refused=[refused("a", "x"), refused("b", "x"), refused("c", "y")]))
    journal.record(entry(1, table="other"))
    assert reopen().counts("seen") == TableCounts(3, 1, {"x": 2, "y": 1}, 70, 200, 2)


def test_counts_within_hours_add_up_to_all(journal):
    for hour in range(4):
        journal.record(entry(hour, known_at=hour * HOUR + 5, refused=[refused(str(hour), "x")]))
    within = journal.counts("seen", HOUR, 3 * HOUR)
    assert (within.rows, within.quarantined, within.sequence) == (2, {"x": 2}, 3)
    assert journal.counts("seen", since=HOUR).rows == 3
    assert journal.counts("seen", until=HOUR).rows == 1
    assert journal.counts("seen", HOUR, HOUR).rows == 0


@settings(max_examples=25)
@given(st.lists(st.lists(st.integers(0, 20), max_size=6), max_size=8))
def test_every_fact_is_numbered_once_whatever_comes_in_which_order(tmp_path_factory, requests):
    journal = SqliteJournal(tmp_path_factory.mktemp("j") / "journal")
    for numbers in requests:
        journal.record(entry(*numbers))
    kept = [row["n"] for batch in journal.pending() for row in batch.rows()]
    assert kept == list(dict.fromkeys(n for numbers in requests for n in numbers))
    assert sequences(journal.pending()) == list(range(len(kept)))
    journal.close()


def test_content_is_the_same_however_it_was_written():
    one = fact_digest("seen", {"a": 1.0, "b": "x", "c": None})
    assert one == fact_digest("seen", {"b": "x", "a": 1.0})
    assert one != fact_digest("other", {"a": 1.0, "b": "x"})
    assert one != fact_digest("seen", {"a": "1.0", "b": "x"})
    assert fact_digest("seen", {"a": "b", "c": "d"}) != fact_digest("seen", {"a": "bc", "": "d"})


def test_a_failed_entry_leaves_nothing_behind(journal, monkeypatch):
    monkeypatch.setattr(journal, "_count", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("disk full")))
    with pytest.raises(Unavailable, match="disk full"):
        journal.record(entry(1, 2, refused=[refused("a", "x")]))
    monkeypatch.undo()
    assert (journal.pending(), journal.quarantined("seen"), journal.sequence()) == ([], [], -1)
    assert journal.record(entry(1, 2)).first_sequence == 0


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path):
    (tmp_path / "text").write_text("not a database, whatever it is called" * 100)
    with pytest.raises(IntegrityError, match="damaged"):
        SqliteJournal(tmp_path / "text")
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(IntegrityError, match="not a journal"):
        SqliteJournal(tmp_path / "other")
