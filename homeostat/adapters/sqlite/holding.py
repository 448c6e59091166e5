"""A SQLite file that another process holds: told apart from a disk that refuses, for it may be let go of soon."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from homeostat.kernel.errors import Held

PATIENCE = 10.0
"""Seconds that somebody waits who keeps nobody else waiting."""
_PRIMARY = 0xFF


def is_held(error: sqlite3.Error) -> bool:
    """Whether another connection holds what was asked for."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & _PRIMARY in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def held(name: str, path: Path, error: sqlite3.Error) -> Held:
    """What to tell of it.

    >>> held("journal", Path("journal.sqlite"), sqlite3.OperationalError("database is locked")).problem
    'The journal cannot be written: another process holds journal.sqlite (database is locked).'
    """
    return Held(
        f"The {name} cannot be written: another process holds {path} ({error}).",
        mend="Close what holds it, such as a shell or a backup tool; then send it again.",
        path=str(path),
    )
