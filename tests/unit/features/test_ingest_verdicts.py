"""What follows a broken promise at the events door: refused, kept apart, or taken in and told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import homeostat as hs
from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.features.ingest import Ingest
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import ContractBroken

NOW = 1_000_000_000_000
SEEN = hs.Table(
    "seen",
    key="id",
    event_time="at",
    contract={
        "id": hs.text(),
        "at": hs.instant(),
        "size": hs.number(0, 100, nullable=True, verdict="reject"),
        "shop": hs.text(categories=["north"], open=True),
    },
    rules=[hs.rule("size < 50", verdict="warn"), hs.rule("size != 13"), hs.unique("shop", "size")],
)


class Online:
    """Remembers how many facts were applied."""

    def __init__(self) -> None:
        self.rows: list[Any] = []

    def apply(self, table: str, rows: Any, first_sequence: int) -> None:
        self.rows += rows

    def sequence(self) -> int:
        return len(self.rows) - 1


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    made = SqliteJournal(tmp_path / "journal")
    yield made
    made.close()


@pytest.fixture
def ingest(journal: SqliteJournal) -> Ingest:
    return Ingest(journal, Online(), [SEEN])  # type: ignore[arg-type]


def row(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "at": format_instant(NOW), "shop": "north", **more}


def test_a_rejecting_promise_refuses_the_request_and_takes_nothing_in(ingest: Ingest, journal: SqliteJournal) -> None:
    with pytest.raises(ContractBroken, match="Row 1 of 'seen' breaks what refuses a whole request") as refused:
        ingest.accept("seen", [row("a"), row("b", size=101), row("c", size=13)], NOW)
    assert "Nothing was taken in" in refused.value.mend
    assert journal.sequence() == -1
    assert journal.counts("seen").quarantined == {}
    assert journal.quarantined("seen") == []


def test_a_request_for_several_tables_is_refused_as_a_whole(journal: SqliteJournal) -> None:
    other = hs.Table("other", key="id", event_time="at", contract={"id": hs.text(), "at": hs.instant()})
    ingest = Ingest(journal, Online(), [SEEN, other])  # type: ignore[arg-type]
    good = {"id": "x", "at": format_instant(NOW)}
    with pytest.raises(ContractBroken):
        ingest.accept_all({"other": [good], "seen": [row("a", size=-1)]}, NOW)
    assert journal.sequence() == -1


def test_warnings_are_told_and_counted_and_their_rows_taken_in(ingest: Ingest, journal: SqliteJournal) -> None:
    taken = ingest.accept("seen", [row("a", size=60), row("b", shop="west", size=70), row("c", size=5)], NOW)
    assert (taken.accepted, taken.quarantined) == (3, [])
    assert [(one.row, one.promise) for one in taken.warnings] == [
        (0, "rule:size < 50"),
        (1, "shop: new_category"),
        (1, "rule:size < 50"),
    ]
    assert journal.counts("seen").warned == {"rule:size < 50": 2, "shop: new_category": 1}


def test_rows_that_break_a_rule_are_kept_apart_with_its_name(ingest: Ingest, journal: SqliteJournal) -> None:
    taken = ingest.accept("seen", [row("a", size=13), row("b", size=1), row("c", size=1)], NOW)
    assert taken.accepted == 1
    assert journal.counts("seen").quarantined == {"rule:size != 13": 1, "rule:unique shop, size": 1}
    assert [kept.reason for kept in journal.quarantined("seen")] == ["rule:unique shop, size", "rule:size != 13"]


def test_what_is_kept_apart_anyway_warns_of_nothing(ingest: Ingest, journal: SqliteJournal) -> None:
    late = {**row("a", size=60), "at": format_instant(NOW + 3_600_000_000)}
    taken = ingest.accept("seen", [late, row("b")], NOW)
    assert (taken.accepted, taken.warnings, journal.counts("seen").warned) == (1, [], {})
