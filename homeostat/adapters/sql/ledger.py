"""Writes the ledger inside a transaction of somebody else."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, insert, select

from homeostat.adapters.sql.schema import ledger
from homeostat.governance.audit import GENESIS, Draft, Entry, seal


def append_entries(connection: Connection, drafts: Sequence[Draft]) -> Entry | None:
    """Write the drafts that are not there yet; the newest entry written, if any.

    The transaction must hold the write lock already; the caller signs the entry before and after it commits.
    """
    last = connection.execute(select(ledger).order_by(ledger.c.seq.desc()).limit(1)).one_or_none()
    seq, previous = (last.seq, last.hash) if last else (0, GENESIS)
    newest = None
    for draft in drafts:
        if connection.execute(select(ledger.c.seq).where(ledger.c.id == draft.id)).one_or_none():
            continue
        newest = seal(draft, seq + 1, previous)
        seq, previous = newest.seq, newest.hash
        text = msgspec.json.encode(draft).decode()
        connection.execute(
            insert(ledger).values(
                seq=seq,
                id=draft.id,
                loop=draft.loop,
                draft=text,
                previous=newest.previous,
                hash=newest.hash,
            )
        )
    return newest
