"""What the journal has seen before: the newest content of each subject, and what it said earlier."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.data.identity import Identity
from homeostat.data.journal import Entry
from homeostat.kernel.clock import Instant

_AT_ONCE = 500
_Seen = dict[bytes, tuple[bytes, Instant]]


@dataclass(frozen=True, slots=True)
class Sifted:
    """Places in an entry: of its new rows, of those whose event id was known with other content, and of kept rows
    whose key has told more since they were kept apart."""

    new: list[int]
    conflicts: list[int]
    outdated: list[int]


def sift(db: sqlite3.Connection, entry: Entry) -> Sifted:
    """Find what is new in an entry, and remember it; call it within the entry's transaction.

    A row is known when its subject said the same last. Under event ids it is known whatever it says. Else it is
    new, unless it repeats what its subject said before within ``retries``: a request that arrives twice must not
    undo the correction that came in between.
    """
    seen = _newest(db, entry.identities)
    sifted = Sifted([], [], [])
    said: dict[bytes, Instant] = {}
    changed: _Seen = {}
    for place, (subject, content) in enumerate(entry.identities):
        at = entry.known_at if entry.known_times is None else entry.known_times[place]
        last = seen.get(subject)
        if last is not None:
            if last[0] == content:
                continue
            if entry.retries is None:
                sifted.conflicts.append(place)
                continue
            if entry.released and last[1] > entry.released[place].known_at:
                sifted.outdated.append(place)
                continue
            before = _said(db, said, subject + content)
            if before is not None and at - before < entry.retries:
                continue
            said[subject + last[0]] = last[1]
        seen[subject] = changed[subject] = (content, at)
        sifted.new.append(place)
    db.executemany("INSERT OR REPLACE INTO superseded VALUES (?, ?)", said.items())
    news = sorted((subject, content, at) for subject, (content, at) in changed.items())  # neighbours share pages
    db.executemany("INSERT OR REPLACE INTO newest VALUES (?, ?, ?)", news)
    return sifted


def _said(db: sqlite3.Connection, said: dict[bytes, Instant], fact: bytes) -> Instant | None:
    """When a superseded fact was accepted last."""
    if fact in said:
        return said[fact]
    found = db.execute("SELECT known_at FROM superseded WHERE fact = ?", (fact,)).fetchone()
    return None if found is None else int(found[0])


def _newest(db: sqlite3.Connection, identities: Sequence[Identity]) -> _Seen:
    seen: _Seen = {}
    subjects = sorted({subject for subject, _ in identities})
    for start in range(0, len(subjects), _AT_ONCE):
        some = subjects[start : start + _AT_ONCE]
        marks = ",".join("?" * len(some))
        query = f"SELECT subject, content, known_at FROM newest WHERE subject IN ({marks})"
        seen.update((subject, (content, at)) for subject, content, at in db.execute(query, some))
    return seen
