"""A home in which the first version of the small world's loop serves, grown once for all processes of a test run."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from tests.harness.running import started
from tests.harness.world import World, day, write_loop

FIRST = 6
"""Days of history that the first version stands on; it serves from the beginning of this day on."""
RUN = "HOMEOSTAT_TEST_RUN"
"""The variable that names the folder of this test run, which also holds the key that signed the version."""


def first_home(home: Path) -> Path:
    """A copy of that home, stopped; another loop file may go on with it, as with any older home."""
    shutil.copytree(_grown(Path(os.environ[RUN])) / "home", home)
    return home


def _grown(folder: Path) -> Path:
    """Where it lies; whoever asks first grows it, in real processes, and the others wait."""
    done, place = folder / "first.done", folder / "first"
    with open(folder / "first.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            _grow(place)
            done.touch()
    return place


def _grow(place: Path) -> None:
    with started(place / "home", write_loop(place)) as running:
        running.history(World(), 0, FIRST)
        running.barrier(day(FIRST))
        assert running.overview()["route"]["champion"] == "v1"
        assert running.stop() == 0
