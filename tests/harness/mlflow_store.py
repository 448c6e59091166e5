"""An empty MLflow store, made once for all workers of a test run: its tables take seconds to create."""

from __future__ import annotations

import fcntl
from pathlib import Path

from homeostat.adapters.mlflow.client import open_client


def empty_store(base: Path) -> Path:
    """The store's file below ``base``, pytest's folder of this run; to be copied, never written to."""
    shared = base.parent if base.name.startswith("popen-") else base
    made = shared / "empty-mlflow.sqlite"
    with (shared / "empty-mlflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            part = made.with_suffix(".part")
            open_client(part)
            part.rename(made)
    return made
