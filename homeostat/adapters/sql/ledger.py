"""Writes the ledger inside a transaction of somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

import msgspec

from homeostat.governance.audit import GENESIS, Draft, Entry, seal


def append_entries(connection: Connection, drafts: Sequence[Draft]) -> Entry | None:
    """Write the drafts that are not there yet; the newest entry written, if any.

    The transaction must hold the write lock already; the caller signs the entry before and after it commits.
    """
    last = connection.execute("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = last or (0, GENESIS)
    newest = None
    for draft in drafts:
        if connection.execute("SELECT 1 FROM ledger WHERE id = ?", (draft.id,)).fetchone():
            continue
        newest = seal(draft, seq + 1, previous)
        seq, previous = newest.seq, newest.hash
        connection.execute(
            "INSERT INTO ledger (seq, id, loop, draft, previous, hash) VALUES (?, ?, ?, ?, ?, ?)",
            (seq, draft.id, draft.loop, msgspec.json.encode(draft).decode(), newest.previous, newest.hash),
        )
    return newest
