"""An embedded MLflow in a home that was moved: it keeps whole addresses of files, which are then the old ones."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_PATIENCE_SECONDS = 10.0
_ADDRESSES = (("runs", "artifact_uri"), ("model_versions", "source"), ("model_versions", "storage_location"))
"""Where MLflow writes the address of an experiment's files again; it has no call that changes any."""


def follow(database: Path, folder: Path) -> None:
    """Let MLflow look for each experiment's files below ``folder``, where they lie now; nothing where it does."""
    with closing(sqlite3.connect(database, timeout=_PATIENCE_SECONDS)) as store:
        for name, former in _experiments(store):
            now = (folder / name).resolve().as_uri()
            if former != now and former.endswith(f"/{folder.name}/{name}") and (folder / name).is_dir():
                _rename(store, former, now)


def _experiments(store: sqlite3.Connection) -> list[tuple[str, str]]:
    """Name and address of each; none in a database that MLflow has yet to fill."""
    made = store.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'experiments'").fetchone()
    return store.execute("SELECT name, artifact_location FROM experiments").fetchall() if made else []


def _rename(store: sqlite3.Connection, former: str, now: str) -> None:
    with store:
        store.execute("UPDATE experiments SET artifact_location = ? WHERE artifact_location = ?", (now, former))
        for table, column in _ADDRESSES:
            store.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                (now, len(former) + 1, len(former) + 1, f"{former}/"),
            )
