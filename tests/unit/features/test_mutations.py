"""The parity property has teeth: each listed fault, put into a copy of the source, breaks it.

That it holds without a fault, on the same worlds, is what test_parity_property.py shows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.features.streams import EXAMPLES

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Fault:
    """One line of source and what it is changed to."""

    file: str
    right: str
    wrong: str


FAULTS: Mapping[str, Fault] = {
    "offline, a window holds its beginning": Fault(
        "features/windowed.py",
        "times.reach(asked.entity, asked.time - length)",
        "times.reach(asked.entity, asked.time - length - 1)",
    ),
    "online, a window holds its beginning": Fault(
        "features/aggregates.py",
        "bisect_right(times, at - length, 0, end)",
        "bisect_right(times, at - length - 1, 0, end)",
    ),
    "online, a window added up by SQL holds its beginning": Fault(
        "adapters/sqlite/online_quick.py",
        "bounds = [at - length for",
        "bounds = [at - length - 1 for",
    ),
    "online, a window read from tiles holds its beginning": Fault(
        "adapters/sqlite/online_quick.py", "at - length + 1 for", "at - length for"
    ),
    "online, late facts do not reach their tiles": Fault(
        "adapters/sqlite/online_tiles.py", "INSERT OR REPLACE INTO", "INSERT OR IGNORE INTO"
    ),
    "offline, an age of exactly the greatest is too old": Fault(
        "features/viewed.py", "questions.time - view.longest - 1", "questions.time - view.longest"
    ),
    "offline, late events are dropped": Fault(
        "features/windowed.py", "seen(facts, asked, split, high)", "seen(facts, asked, high, high)"
    ),
    "offline, event time is taken for known time": Fault(
        "features/timeline.py", "facts.born[at] <= known)", "facts.time[at] <= known)"
    ),
    "offline, superseded facts are kept": Fault(
        "features/stored.py", "died[again] = deaths(key, self.born[again])", "died[again] = NEVER"
    ),
    "offline, of one time the fact accepted first is newest": Fault(
        "features/timeline.py", "_then_by(born, None)", "_then_by(-born, None)"
    ),
    "online, of one time the fact accepted first is newest": Fault(
        "adapters/sqlite/online_latest.py", "DESC, _sequence DESC LIMIT 1", "DESC, _sequence LIMIT 1"
    ),
    "offline, null counts as 0": Fault(
        "features/columns.py", "pc.fill_null(array, np.nan)", "pc.fill_null(array, 0.0)"
    ),
    "offline, a default replaces 0": Fault(
        "features/offline.py", "return np.isnan(values)", "return np.isnan(values) | (values == 0)"
    ),
    "online, a default replaces 0": Fault(
        "features/online.py", "if value is None or silent[row]", "if not value or silent[row]"
    ),
    "online, a silence of exactly what is allowed is too long": Fault(
        "features/online.py", "at - newest > patience", "at - newest >= patience"
    ),
    "offline, the deviation is that of a population": Fault(
        "features/listed.py", "(many - 1)), exponent", "many), exponent"
    ),
}


def copied(folder: Path, fault: Fault) -> Path:
    """A copy of the package, with the fault in it."""
    shutil.copytree(ROOT / "homeostat", folder / "homeostat", ignore=shutil.ignore_patterns("static"))
    file = folder / "homeostat" / fault.file
    source = file.read_text()
    assert fault.right in source, f"{fault.file} no longer says {fault.right!r}: list the fault anew"
    file.write_text(source.replace(fault.right, fault.wrong))
    os.utime(file, (0, 0))  # older than any bytecode of it, which must not be taken for it
    return folder


def tried(folder: Path) -> tuple[int, str]:
    """The exit status and output of the property at work on a copy."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.features.streams", str(EXAMPLES)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_every_listed_fault_breaks_the_property(tmp_path):
    copies = [copied(tmp_path / str(place), fault) for place, fault in enumerate(FAULTS.values())]
    with ThreadPoolExecutor(2) as pool:
        told = dict(zip(FAULTS, pool.map(tried, copies), strict=True))
    assert all(output.startswith(str(tmp_path)) for _, output in told.values())
    assert {name: output for name, (status, output) in told.items() if status != 1 or "broken: " not in output} == {}
