"""The parity property has teeth: each listed fault, put into the source, breaks it.

That it holds without a fault, on the same worlds, is what test_parity_property.py shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
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


def faulted(folder: Path, fault: Fault) -> Path:
    """The package with the fault in it: all but the one file are links to what they are."""
    place, source = folder / "homeostat", ROOT / "homeostat"
    for part in (*Path(fault.file).parts, ""):
        place.mkdir(parents=True)
        for one in source.iterdir():
            if one.name != part:
                (place / one.name).symlink_to(one)
        place, source = place / part, source / part
        if source.is_file():
            break
    text = source.read_text()
    assert fault.right in text, f"{fault.file} no longer says {fault.right!r}: list the fault anew"
    place.write_text(text.replace(fault.right, fault.wrong))
    os.utime(place, (0, 0))  # older than any bytecode of it, which must not be taken for it
    return folder


TRIES = """
import os, sys
import hypothesis.strategies, msgspec, numpy, pyarrow.compute, pyarrow.dataset, scipy.sparse

sys.dont_write_bytecode = True
for folder in sys.argv[2:]:
    if not os.fork():
        os.dup2(os.open(os.path.join(folder, "told"), os.O_WRONLY | os.O_CREAT), 1)
        sys.path.insert(0, folder)
        from tests.unit.features.streams import main
        sys.argv = ["streams", sys.argv[1]]
        raise SystemExit(main())
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
"""What all tries need is imported once; each try is a process of its own, and its exit status is told."""


def tried(folders: Sequence[Path]) -> list[tuple[int, str]]:
    """The exit status and output of the property at work on each."""
    done = subprocess.run(
        [sys.executable, "-c", TRIES, str(EXAMPLES), *map(str, folders)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=100,
        check=True,
    )
    statuses = map(int, done.stdout.split())
    return [(status, (folder / "told").read_text()) for status, folder in zip(statuses, folders, strict=True)]


@pytest.mark.slow
def test_every_listed_fault_breaks_the_property(tmp_path):
    folders = [faulted(tmp_path / str(place), fault) for place, fault in enumerate(FAULTS.values())]
    told = dict(zip(FAULTS, tried(folders), strict=True))
    assert all(output.startswith(str(tmp_path)) for _, output in told.values())
    assert {name: output for name, (status, output) in told.items() if status != 1 or "broken: " not in output} == {}
