"""What comes in is checked, told apart from what is known, and seen by features at once and in order."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.data.contracts import instant, number, text
from homeostat.data.tables import Table
from homeostat.features.ingest import MOST_ROWS, Ingest, Readmitted
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import InvalidInput, NotFound, TooLarge, Unavailable

SEEN = Table("seen", key="id", event_time="at", contract={"id": text(), "at": instant(), "size": number(nullable=True)})
NOW = 1_000_000_000_000
TOLERANCE = SEEN.tolerance


class Online:
    """Remembers what was applied, and fails when told to."""

    def __init__(self):
        self.applied, self.at, self.broken = [], -1, False

    def apply(self, table, rows, first_sequence):
        if self.broken:
            raise OSError("no space")
        self.applied += [(first_sequence + n, table, row["id"]) for n, row in enumerate(rows)]
        self.at = first_sequence + len(rows) - 1

    def sequence(self):
        return self.at


@pytest.fixture
def journal(tmp_path):
    made = SqliteJournal(tmp_path / "journal")
    yield made
    made.close()


@pytest.fixture
def online():
    return Online()


@pytest.fixture
def ingest(journal, online):
    return Ingest(journal, online, [SEEN])


def row(name, at=NOW, **more):
    return {"id": name, "at": format_instant(at), **more}


def test_good_rows_are_numbered_and_seen_by_features(ingest, online):
    taken = ingest.accept("seen", [row("a"), row("b")], NOW)
    assert (taken.accepted, taken.duplicates, taken.quarantined) == (2, 0, [])
    assert (taken.first_sequence, taken.last_sequence) == (0, 1)
    assert online.applied == [(0, "seen", "a"), (1, "seen", "b")]


def test_the_same_content_counts_once_within_and_across_requests(ingest, online):
    ingest.accept("seen", [row("a", size=1)], NOW)
    taken = ingest.accept("seen", [row("a", size=1.0), row("b"), row("b", size=None)], NOW)
    assert (taken.accepted, taken.duplicates, taken.first_sequence) == (1, 2, 1)
    assert [name for _, _, name in online.applied] == ["a", "b"]
    again = ingest.accept("seen", [row("a", size=1)], NOW)
    assert (again.accepted, again.duplicates, again.first_sequence) == (0, 1, None)


def test_a_correction_of_a_fact_is_a_new_fact(ingest):
    ingest.accept("seen", [row("a", size=1)], NOW)
    assert ingest.accept("seen", [row("a", size=2)], NOW).accepted == 1


def test_bad_rows_are_kept_apart_and_good_ones_go_on(ingest, journal, online):
    taken = ingest.accept("seen", [row("a"), {"id": 7}, row("b")], NOW)
    assert taken.accepted == 2
    assert {item.row for item in taken.quarantined} == {1}
    [kept] = journal.quarantined("seen")
    assert (kept.content, kept.reason) == ('{"id": 7}', "wrong_type")
    assert [name for _, _, name in online.applied] == ["a", "b"]


def test_an_event_from_the_future_is_kept_apart_beyond_a_tolerance(ingest):
    taken = ingest.accept("seen", [row("a", NOW + TOLERANCE), row("b", NOW + TOLERANCE + 1)], NOW)
    assert taken.accepted == 1
    [found] = taken.quarantined
    assert (found.row, found.column, found.reason) == (1, "at", "from_the_future")
    assert format_instant(NOW) in found.problem


def test_what_the_future_held_is_accepted_once_it_has_come(ingest):
    ingest.accept("seen", [row("a", NOW + 2 * TOLERANCE)], NOW)
    assert ingest.accept("seen", [row("a", NOW + 2 * TOLERANCE)], NOW + 2 * TOLERANCE).accepted == 1


def test_refused_questions_are_kept_apart_and_their_good_rows_are_not_taken(ingest, journal, online):
    breaks = ingest.refuse("seen", [row("a"), {"id": 7}], NOW)
    assert {item.row for item in breaks} == {1}
    assert journal.counts("seen").rows == 0
    assert online.applied == []
    assert len(journal.quarantined("seen")) == 1


@pytest.mark.parametrize(
    ("table", "rows", "error", "says"),
    [
        ("sean", [{}], NotFound, "Did you mean 'seen'"),
        ("seen", [], InvalidInput, "no rows"),
        ("seen", [{}] * (MOST_ROWS + 1), TooLarge, "10,001 rows"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_whole(ingest, journal, table, rows, error, says):
    with pytest.raises(error, match=says):
        ingest.accept(table, rows, NOW)
    assert journal.quarantined("seen") == []


def test_a_refused_row_of_any_shape_can_be_kept(ingest, journal):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    strange = [None, {"id": "x" * 300_000}, {"id": deep}, {"id": float("nan")}, {"id": b"1"}, {"id": 10**5_000}]
    assert len({item.row for item in ingest.accept("seen", strange, NOW).quarantined}) == len(strange)
    assert max(len(kept.content) for kept in journal.quarantined("seen")) <= 262_144


def test_features_catch_up_before_anything_else_after_they_failed(ingest, online):
    online.broken = True
    with pytest.raises(OSError, match="no space"):
        ingest.accept("seen", [row("a")], NOW)
    online.broken = False
    taken = ingest.accept("seen", [row("a"), row("b")], NOW)
    assert (taken.accepted, taken.duplicates) == (1, 1)
    assert [name for _, _, name in online.applied] == ["a", "b"]


def test_features_that_miss_what_the_journal_let_go_stop_the_intake(ingest, online, journal):
    ingest.accept("seen", [row("a")], NOW)
    journal.forget([("seen", 0)])
    online.at = -1
    with pytest.raises(Unavailable, match="misses facts"):
        ingest.accept("seen", [row("b")], NOW)


OTHER = Table("other", key="id", event_time="at", contract={"id": text(), "at": instant()}, event_id="id", ahead="1h")


def test_rows_of_several_tables_are_taken_together(journal, online):
    both = Ingest(journal, online, [SEEN, OTHER])
    taken = both.accept_all({"other": [row("x")], "seen": [row("a"), {"id": 7}, row("b")]}, NOW)
    assert (taken["other"].first_sequence, taken["seen"].first_sequence, taken["seen"].last_sequence) == (0, 1, 2)
    assert [item.row for item in taken["seen"].quarantined] == [1, 1]
    assert [name for _, _, name in online.applied] == ["x", "a", "b"]
    with pytest.raises(NotFound, match="'sean'"):
        both.accept_all({"seen": [row("c")], "sean": [row("d")]}, NOW)
    with pytest.raises(TooLarge, match="10,001 rows"):
        both.accept_all({"seen": [row("c")], "other": [row("d")] * MOST_ROWS}, NOW)
    assert journal.sequence() == 2


def test_a_known_event_id_with_other_content_changes_nothing_and_is_told(journal, online):
    ids = Ingest(journal, online, [OTHER])
    ids.accept("other", [row("x", NOW)], NOW)
    taken = ids.accept("other", [{"id": 7}, row("y"), row("x", NOW), row("x", NOW + 1)], NOW + 1)
    assert (taken.accepted, taken.duplicates) == (1, 2)
    [odd] = taken.warnings
    assert (odd.row, odd.reason) == (3, "same_id_other_content")
    assert journal.counts("other").warned == {"same_id_other_content": 1}


def test_rows_ahead_of_our_clock_are_taken_within_the_tables_tolerance_and_counted(journal, online):
    taken = Ingest(journal, online, [OTHER]).accept(
        "other", [row("a", NOW + 1), row("b", NOW + OTHER.tolerance), row("c", NOW + OTHER.tolerance + 1)], NOW
    )
    assert (taken.accepted, [item.reason for item in taken.quarantined]) == (2, ["from_the_future"])
    assert journal.counts("other").warned == {"ahead_of_clock": 2}


def test_kept_rows_that_keep_a_mended_contract_become_facts_known_now(journal, online):
    strict = Ingest(journal, online, [replace(SEEN, contract={**SEEN.contract, "size": number(0, 9)})])
    strict.accept("seen", [row("a", size=10), row("b", size=-1), row("c", size=3)], NOW)
    mended = Ingest(journal, online, [replace(SEEN, contract={**SEEN.contract, "size": number(0, 99)})])
    later = NOW + 7
    done = mended.readmit("seen", journal.kept("seen", 0, 10), later)
    assert done == Readmitted(accepted=1, broken=1)
    assert [kept.content for kept in journal.quarantined("seen")] == [strict_content("b", -1)]
    assert [(batch.known_at, batch.rows()[0]["id"]) for batch in journal.pending()] == [(NOW, "c"), (later, "a")]
    assert online.applied[-1] == (1, "seen", "a")
    assert mended.readmit("seen", journal.kept("seen", 0, 10), later) == Readmitted(broken=1)


def test_a_kept_row_that_was_sent_again_mended_is_a_duplicate_when_readmitted(journal, online, ingest):
    strict = Ingest(journal, online, [replace(SEEN, contract={**SEEN.contract, "size": number(0, 9)})])
    strict.accept("seen", [row("a", size=10)], NOW)
    ingest.accept("seen", [row("a", size=10)], NOW)
    assert ingest.readmit("seen", journal.kept("seen", 0, 10), NOW) == Readmitted(duplicates=1)
    assert journal.quarantined("seen") == []


def test_a_kept_row_whose_key_has_told_more_since_does_not_undo_it(journal, online, ingest):
    strict = Ingest(journal, online, [replace(SEEN, contract={**SEEN.contract, "size": number(0, 9)})])
    strict.accept("seen", [row("a", size=10), row("a", size=8)], NOW - 1)
    strict.accept("seen", [row("a", size=9)], NOW)
    assert ingest.readmit("seen", journal.kept("seen", 0, 10), NOW) == Readmitted(outdated=1)
    assert len(journal.quarantined("seen")) == 1
    assert [fact["size"] for batch in journal.pending() for fact in batch.rows()] == [8, 9]


def test_a_row_that_cannot_be_read_back_stays_kept(journal, ingest):
    ingest.accept("seen", [{"id": "x" * 300_000}, {"id": float("nan")}], NOW)
    assert ingest.readmit("seen", journal.kept("seen", 0, 10), NOW) == Readmitted(broken=2)


def strict_content(name, size):
    return json.dumps(row(name, size=size))


def test_an_event_time_that_is_left_out_is_the_present_and_tells_no_row_from_its_retry(journal, online):
    undated = Ingest(journal, online, [replace(SEEN, now_by_default=True)])
    first = undated.accept("seen", [{"id": "a", "size": 1}, {"id": "a", "size": 1, "at": "never"}, 7], NOW)
    assert (first.accepted, [item.row for item in first.quarantined]) == (1, [1, 2])
    assert journal.pending()[0].rows()[0]["at"] == NOW
    again = undated.accept("seen", [{"id": "a", "size": 1}], NOW + 3_600_000_000)
    assert (again.accepted, again.duplicates) == (0, 1)
    told = undated.accept("seen", [row("a", at=NOW, size=1), {"id": "a", "size": 2}], NOW + 3_600_000_000)
    assert (told.accepted, told.duplicates) == (2, 0)
    assert not Ingest(journal, online, [SEEN]).accept("seen", [row("b"), {"id": "c"}], NOW).duplicates
