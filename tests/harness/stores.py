"""Stores that take long to make, made once and copied."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".pytest_cache"
_MAKE = "import sys; from homeostat.adapters.mlflow.client import client_of; client_of(f'sqlite:///{sys.argv[1]}')"


def with_mlflow(home: Path) -> Path:
    """A home with a copy of MLflow's empty store, unless it has one: its many migrations take seconds to run."""
    place = home / "mlflow.sqlite"
    if not place.exists():
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(_empty_mlflow(), place)
    return home


def _empty_mlflow() -> Path:
    """The store as the installed MLflow makes it; other processes of a test run wait for the first that asks."""
    made = CACHE / f"mlflow-{version('mlflow-skinny')}.sqlite"
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / "mlflow.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            part = made.with_suffix(".part")
            part.unlink(missing_ok=True)
            subprocess.run([sys.executable, "-c", _MAKE, str(part)], cwd=ROOT, check=True)
            os.replace(part, made)
    return made
