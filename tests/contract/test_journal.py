"""What every journal must do: number facts without gaps, know them for ever, keep them until told otherwise."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.data.contracts import Break, instant, integer, number, text
from homeostat.data.identity import compile_identity, refused_digest
from homeostat.data.journal import Entry, RefusedRow, TableCounts
from homeostat.data.tables import Table
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


SEEN = Table("seen", key="n", event_time="at", contract={"n": integer(), "at": instant(), "x": number(nullable=True)})
OTHER = replace(SEEN, name="other")


def entry(*numbers, table="seen", known_at=0, **more):
    return said(
        [(n, None if n % 2 else float(n)) for n in numbers], SEEN if table == "seen" else OTHER, known_at, **more
    )


def said(facts, table=SEEN, known_at=0, **more):
    rows = [{"n": n, "at": 10 * n, "x": x} for n, x in facts]
    identities = compile_identity(table)(rows)
    return Entry(table.name, known_at, rows, identities, [row["at"] for row in rows], **{"retries": HOUR, **more})


def take(journal, *entries):
    found = journal.record(entries)
    return found[0] if len(found) == 1 else found


def refused(content, *reasons):
    breaks = tuple(Break(0, "n", reason, f"Column 'n' is {reason}.", "Mend it.") for reason in reasons)
    return RefusedRow(content, refused_digest("seen", content), breaks)


def sequences(batches):
    return [n for batch in batches for n in range(batch.first_sequence, batch.last_sequence + 1)]


def test_facts_are_numbered_without_gaps_across_tables(journal):
    assert journal.sequence() == -1
    assert take(journal, entry(1, 2)).first_sequence == 0
    assert take(journal, entry(1, table="other")).first_sequence == 2
    assert take(journal, entry(3)).first_sequence == 3 == journal.sequence()


def test_a_fact_that_comes_again_is_a_duplicate_for_ever(journal, reopen):
    take(journal, entry(1, 2))
    journal.forget([("seen", 1)])
    journal = reopen()
    assert take(journal, entry(1, 2)).rows == []
    taken = take(journal, entry(2, 3, 3))
    assert (taken.first_sequence, taken.rows, taken.duplicates) == (2, [{"n": 3, "at": 30, "x": None}], 2)
    assert journal.counts("seen").duplicates == 4


def test_what_was_recorded_is_there_after_reopening(journal, reopen):
    rows = take(journal, entry(1, 2, known_at=5)).rows
    [batch] = reopen().pending()
    assert (batch.table, batch.known_at, batch.count, batch.rows()) == ("seen", 5, 2, rows)


def test_batches_are_kept_in_order_until_they_are_forgotten(journal):
    for n in range(4):
        take(journal, entry(n, table="seen" if n % 2 else "other"))
    journal.forget([("seen", 1)])
    assert sequences(journal.pending()) == [0, 2, 3]
    assert sequences(journal.pending(0, upto=2)) == [2]
    journal.forget([("seen", 3), ("other", 3)])
    assert journal.pending() == []
    assert take(journal, entry(9)).first_sequence == 4


def test_pending_stops_near_its_limit_and_goes_on_from_there(journal):
    for n in range(0, 12, 3):
        take(journal, entry(n, n + 1, n + 2))
    first = journal.pending(limit=4)
    assert sequences(first) == [0, 1, 2, 3, 4, 5]
    assert sequences(journal.pending(first[-1].last_sequence, limit=4)) == [6, 7, 8, 9, 10, 11]


def test_refused_rows_are_kept_with_the_reason_newest_first(journal):
    take(journal, entry(refused=[refused("a", "wrong_type", "missing_column")], known_at=1))
    take(journal, entry(1, refused=[refused("b", "not_finite")], known_at=2))
    newest, oldest = journal.quarantined("seen")
    assert (newest.content, newest.reason, newest.known_at) == ("b", "not_finite", 2)
    assert (oldest.content, oldest.reason, oldest.column, oldest.mend) == ("a", "wrong_type", "n", "Mend it.")
    assert journal.quarantined("seen", limit=1) == [newest]
    assert journal.quarantined("other") == []


def test_a_refused_row_that_comes_again_is_kept_and_counted_once(journal):
    for _ in range(2):
        assert take(journal, entry(refused=[refused("a", "wrong_type")])).rows == []
    assert len(journal.quarantined("seen")) == 1
    assert journal.counts("seen").quarantined == {"wrong_type": 1}


def test_counts_tell_what_came(journal, reopen):
    assert journal.counts("seen") == TableCounts()
    take(journal, entry(5, 7, known_at=100))
    take(journal, entry(5, 6, known_at=200, refused=[refused("a", "x"), refused("b", "x"), refused("c", "y")]))
    take(journal, entry(1, table="other"))
    assert reopen().counts("seen") == TableCounts(3, 1, {"x": 2, "y": 1}, 70, 200, 2, kept=3)


def test_counts_within_hours_add_up_to_all(journal):
    for hour in range(4):
        take(journal, entry(hour, known_at=hour * HOUR + 5, refused=[refused(str(hour), "x")]))
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
        take(journal, entry(*numbers))
    kept = [row["n"] for batch in journal.pending() for row in batch.rows()]
    assert kept == list(dict.fromkeys(n for numbers in requests for n in numbers))
    assert sequences(journal.pending()) == list(range(len(kept)))
    journal.close()


def test_content_is_the_same_however_it_was_written():
    columns = {"a": number(), "b": text(nullable=True), "at": instant()}
    seen = Table("seen", key="a", event_time="at", contract=columns)
    row = {"a": 1.0, "b": None, "at": 0}
    before = replace(seen, contract={"a": number(), "at": instant()})
    one, order = compile_identity(seen)([row, dict(reversed(row.items()))])
    assert one == order == compile_identity(before)([row])[0]
    assert compile_identity(replace(seen, name="other"))([row])[0][0] != one[0]
    about, says = compile_identity(seen)([{**row, "b": "x"}])[0]
    assert (about == one[0], says == one[1]) == (True, False)
    left, right = compile_identity(seen)([{**row, "a": "b", "b": "d"}, {**row, "a": "bb", "b": ""}])
    assert left[1] != right[1]


def test_a_return_to_earlier_content_is_news_once_retries_are_over(journal):
    for at, x in ((0, 1.0), (10, 2.0), (HOUR - 1, 1.0), (HOUR + 20, 2.0)):
        take(journal, said([(7, x)], known_at=at))
    assert [row["x"] for batch in journal.pending() for row in batch.rows()] == [1.0, 2.0]
    assert take(journal, said([(7, 1.0)], known_at=HOUR)).rows != []
    assert take(journal, said([(7, 1.0)], known_at=9 * HOUR)).rows == []
    assert take(journal, said([(7, 2.0)], known_at=9 * HOUR)).rows != []


def test_a_batch_that_corrects_itself_changes_nothing_when_sent_again(journal):
    batch = [(7, 1.0), (7, 2.0), (8, 1.0), (7, 3.0)]
    assert len(take(journal, said(batch)).rows) == 4
    assert take(journal, said(batch, known_at=HOUR - 1)).rows == []


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=12), st.sampled_from([HOUR - 1, 9 * HOUR]))
def test_a_stream_that_is_sent_again_in_order_ends_in_the_same_state(tmp_path_factory, stream, later):
    journal = SqliteJournal(tmp_path_factory.mktemp("j") / "journal")

    def state():
        return {row["n"]: row["x"] for batch in journal.pending() for row in batch.rows()}

    for fact in stream:
        take(journal, said([fact]))
    before = state()
    again = [take(journal, said([fact], known_at=later)) for fact in stream]
    assert state() == before
    if later < HOUR:
        assert not any(done.rows for done in again)
    journal.close()


def test_an_event_id_counts_once_whatever_comes_with_it(journal):
    numbered = replace(SEEN, event_id="n", key="at")
    assert len(take(journal, said([(1, 5.0), (2, 6.0), (3, 5.0)], numbered, retries=None)).rows) == 3
    taken = take(journal, said([(1, 5.0), (2, 9.0)], numbered, known_at=99 * HOUR, retries=None))
    assert (list(taken.rows), taken.duplicates, taken.conflicts) == ([], 2, [1])
    assert journal.counts("seen").warned == {"same_id_other_content": 1}


def test_entries_of_several_tables_are_taken_in_order_or_not_at_all(journal):
    first, second = take(journal, entry(1, 2), entry(1, table="other"))
    assert (first.first_sequence, second.first_sequence) == (0, 2)
    broken = replace(entry(3, table="other"), event_times=[])
    with pytest.raises(IndexError):
        take(journal, entry(3), broken)
    assert journal.sequence() == 2
    assert take(journal, entry(3)).first_sequence == 3


def test_known_times_never_run_backwards(journal, reopen):
    take(journal, entry(1, known_at=50))
    journal = reopen()
    take(journal, entry(2, known_at=40), entry(3, table="other", known_at=60))
    assert [batch.known_at for batch in journal.pending()] == [50, 50, 60]
    assert journal.newest_known() == 60


def test_a_kept_row_leaves_with_the_entry_that_takes_it_in_and_may_come_back(journal):
    take(journal, entry(refused=[refused("a", "x"), refused("b", "x")]))
    [newest, _] = journal.quarantined("seen")
    take(journal, entry(1, released=[newest]))
    assert [kept.content for kept in journal.kept("seen", 0, 10)] == ["a"]
    counts = journal.counts("seen")
    assert (counts.quarantined, counts.readmitted, counts.kept) == ({"x": 2}, 1, 1)
    take(journal, entry(refused=[refused("b", "x")]))
    assert [kept.content for kept in journal.kept("seen", 0, 10)] == ["a", "b"]
    assert journal.kept("seen", 0, 1)[0].content == "a"


def past(*facts, table="seen", known_at=None):
    """Entries of history from (number, known time, rank)."""
    numbers, times, ranks = zip(*facts, strict=True)
    return entry(*numbers, table=table, known_at=known_at or times[-1], known_times=times, ranks=ranks)


def test_history_of_several_tables_is_numbered_in_the_order_in_which_it_was_known(journal, reopen):
    group = [past((1, 10, 0), (2, 20, 2), (2, 25, 3)), past((3, 15, 1), (4, 30, 4), table="other")]
    done = journal.take("files", 99, iter([group, [past((5, 40, 0))]]))
    assert (done.rows, done.duplicates, done.first_sequence, done.last_sequence) == (5, 1, 0, 4)
    found = [(b.table, list(b.sequences), list(b.past.known_times)) for b in reopen().pending()]
    assert found == [("seen", [0, 2], [10, 20]), ("other", [1, 3], [15, 30]), ("seen", [4], [40])]
    assert reopen().newest_known() == 40
    assert (reopen().counts("seen").imported, reopen().live("seen")) == (3, False)
    journal = reopen()
    assert take(journal, entry(9)).first_sequence == 5
    assert journal.live("seen")


def test_what_was_numbered_together_is_pending_together(journal):
    groups = [[past((n, 10 * n, 0)), past((n, 10 * n, 1), table="other")] for n in range(3)]
    journal.take("files", 99, iter(groups))
    first = journal.pending(limit=1)
    assert [list(batch.sequences) for batch in first] == [[0], [1]]
    assert [list(batch.sequences) for batch in journal.pending(first[-1].last_sequence, limit=3)] == [
        [2],
        [3],
        [4],
        [5],
    ]


def test_history_is_taken_in_once(journal, reopen):
    done = journal.take("files", 99, iter([[past((1, 10, 0))]]))
    assert reopen().take("files", 100, iter([[past((9, 40, 0))]])) == done
    assert reopen().history("files") == done
    assert reopen().sequence() == 0


def test_history_that_fails_half_way_leaves_nothing(journal):
    def groups():
        yield [past((1, 10, 0))]
        raise ValueError("row 2 is broken")

    with pytest.raises(ValueError, match="row 2"):
        journal.take("files", 99, groups())
    assert (journal.pending(), journal.sequence(), journal.history("files")) == ([], -1, None)
    assert journal.newest_known() is None
    assert take(journal, entry(1)).rows != []


def test_others_may_look_while_the_journal_is_written(journal, tmp_path):
    take(journal, entry(1, refused=[refused("a", "x")]))
    looking = type(journal)(tmp_path / "journal", read_only=True)
    take(journal, entry(2))
    assert (looking.counts("seen").rows, len(looking.pending())) == (2, 2)
    with pytest.raises(Unavailable):
        looking.record([entry(3)])
    looking.close()
    with pytest.raises(Unavailable):
        type(journal)(tmp_path / "none", read_only=True)
    assert not (tmp_path / "none").exists()


def test_a_failed_entry_leaves_nothing_behind(journal, monkeypatch):
    monkeypatch.setattr(journal, "_count", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("disk full")))
    with pytest.raises(Unavailable, match="disk full"):
        take(journal, entry(1, 2, refused=[refused("a", "x")]))
    monkeypatch.undo()
    assert (journal.pending(), journal.quarantined("seen"), journal.sequence()) == ([], [], -1)
    assert take(journal, entry(1, 2)).first_sequence == 0


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path):
    (tmp_path / "text").write_text("not a database, whatever it is called" * 100)
    with pytest.raises(IntegrityError, match="damaged"):
        SqliteJournal(tmp_path / "text")
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(IntegrityError, match="not a journal"):
        SqliteJournal(tmp_path / "other")
