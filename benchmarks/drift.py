"""Drift of a wide table on one core, straight from Delta: ``python -m benchmarks.drift``, or with ``make bench``.

A reference of 100,000 rows is profiled and 1,000,000 current rows are counted and compared by every distance; 50
columns are numbers, 10 are texts, 10 of all are shifted. Beside it, from the same table in the same run and also on
one core: reading alone, a NumPy pass that looks each value up, DuckDB's histogram over the same bins, and Evidently
and nannyml where HOMEOSTAT_PEERS names an interpreter that has them. Two more figures: what a profile takes per cell
when the writer of the log updates it by 100 rows, and merging a day of 500 replicas.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402

from benchmarks.counting import DeltaCounts  # noqa: E402
from benchmarks.drift_peers import OURS_TOO, TOOLS, timed  # noqa: E402
from benchmarks.serving.servers import interpreters  # noqa: E402
from homeostat.adapters.delta.tables import DeltaTables  # noqa: E402
from homeostat.data.profiles import Profile, ProfileKind, ReferenceProfile  # noqa: E402
from homeostat.monitoring.distances import distances, flagged  # noqa: E402
from homeostat.monitoring.windows import Window  # noqa: E402

BEFORE, NOW = "before", "now"
REFERENCE, CURRENT = 100_000, 1_000_000
NUMBERS, TEXTS = [f"n{index}" for index in range(50)], [f"c{index}" for index in range(10)]
SHIFTED = frozenset([*NUMBERS[:8], *TEXTS[:2]])
KINDS: dict[str, ProfileKind] = {**dict.fromkeys(NUMBERS, "number"), **dict.fromkeys(TEXTS, "text")}
CELLS = (REFERENCE + CURRENT) * len(KINDS)
REPLICAS, HOURS = 500, 24
OURS = f"drift, {REFERENCE:,} x {CURRENT:,} rows x {len(KINDS)} columns, one core"
GOAL_CELLS, GOAL_UPDATE, GOAL_MERGE = 30e6, 0.15, 1.0
"""Cells per second; microseconds per cell; seconds."""
_CATEGORIES = np.array([f"category {index}" for index in range(30)])
_WINDOW = Window(0, 86_400_000_000, "1970-01-01")
Json = dict[str, Any]


def rows(count: int, seed: int, *, shifted: bool) -> pa.Table:
    """Numbers of several shapes with some missing, and texts; some are shifted by half a standard deviation."""
    rng = np.random.default_rng(seed)
    made: dict[str, pa.Array] = {}
    for index, name in enumerate(NUMBERS):
        values = rng.normal(0.5 if shifted and name in SHIFTED else 0.0, 1.0, count)
        values = np.exp(values) if index % 3 == 0 else np.round(values, 1) if index % 3 == 1 else values
        made[name] = pa.array(values, mask=rng.random(count) < 0.02 if index % 5 == 0 else None)
    even = np.full(_CATEGORIES.size, 1 / _CATEGORIES.size)
    tilted = even * np.linspace(1.8, 0.2, even.size)
    for name in TEXTS:
        shares = tilted if shifted and name in SHIFTED else even
        made[name] = pa.array(_CATEGORIES[rng.choice(even.size, count, p=shares)])
    return pa.table(made)


def write(folder: Path) -> None:
    """Both tables, the current one in ten commits."""
    tables = DeltaTables(folder)
    tables.append(BEFORE, rows(REFERENCE, 1, shifted=False), writer="made", upto=0)
    part = CURRENT // 10
    for number in range(10):
        tables.append(NOW, rows(part, 2 + number, shifted=True), writer="made", upto=number)


def job(folder: Path) -> list[str]:
    """The whole of it: profile the reference, count the current rows, every distance; returns what is flagged."""
    tables = DeltaTables(folder)
    before = tables.read(BEFORE)
    reference = {name: Profile.of(name, kind, before[name].to_numpy()) for name, kind in KINDS.items()}
    counted = DeltaCounts(tables).count(NOW, reference)
    return list(flagged(one for name in KINDS for one in distances(name, reference[name], counted[name], _WINDOW)))


def update_microseconds(repeats: int) -> float:
    """Per cell, to count 100 rows as the writer of the log has them and to add them to what was counted."""
    before, batch = rows(REFERENCE, 1, shifted=False), rows(100, 3, shifted=True)
    columns = {name: before[name].to_numpy() for name in KINDS}
    total = reference = ReferenceProfile.of(KINDS, columns, np.linspace(0, 1, REFERENCE))
    given, scores = {name: batch[name].to_numpy() for name in KINDS}, np.linspace(0, 1, 100)
    taken = []
    for _ in range(20 * repeats):
        began = time.process_time()
        total = total + reference.count(given, scores)
        taken.append(time.process_time() - began)
    return median(taken) / (100 * (len(KINDS) + 1)) * 1e6


def merge_seconds() -> float:
    """A day of 500 replicas, hour by hour, 60 features each."""
    before = rows(10_000, 1, shifted=False)
    columns = {name: before[name].to_numpy() for name in KINDS}
    reference = ReferenceProfile.of(KINDS, columns, np.linspace(0, 1, 10_000))
    parts = rows(REPLICAS * 10, 5, shifted=True)
    given = {name: parts[name].to_numpy() for name in KINDS}
    hours = [
        reference.count({name: values[start : start + 10] for name, values in given.items()}, np.linspace(0, 1, 10))
        for _ in range(HOURS)
        for start in range(0, REPLICAS * 10, 10)
    ]
    began = time.process_time()
    whole = ReferenceProfile.merged(hours)
    taken = time.process_time() - began
    assert whole.prediction.rows == REPLICAS * HOURS * 10
    return taken


def measured(repeats: int = 3) -> Iterator[Json]:
    """Every figure, in processor time of one core; each job in a process of its own, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        commands, found = _commands(folder), dict[str, list[Json]]()
        for turn in range(repeats):
            for what, command in commands.items():
                if turn == 0 or what not in TOOLS:
                    found.setdefault(what, []).append(_told(command))
        for what, told in found.items():
            yield _line(what, told)
    yield {"what": "profile update, 100 rows at a time, per cell", "microseconds": update_microseconds(repeats)}
    what = f"merge of {REPLICAS} replicas x {HOURS} hours x {len(KINDS)} features"
    yield {"what": what, "seconds": median(merge_seconds() for _ in range(repeats))}


def missed(found: Sequence[Json]) -> Iterator[str]:
    """The goals that a run missed."""
    job_, update, merge = found[0], found[-2], found[-1]
    if job_["cells_per_second"] < GOAL_CELLS:
        yield f"{job_['cells_per_second'] / 1e6:.0f} M cells/s, goal {GOAL_CELLS / 1e6:.0f}"
    if set(job_["flagged"]) != SHIFTED:
        yield f"flagged {', '.join(job_['flagged'])}"
    if update["microseconds"] > GOAL_UPDATE:
        yield f"update {update['microseconds']:.3f} us a cell, goal {GOAL_UPDATE}"
    if merge["seconds"] > GOAL_MERGE:
        yield f"merge {merge['seconds']:.2f} s, goal {GOAL_MERGE:.0f}"


def _commands(folder: Path) -> Mapping[str, list[str]]:
    """What runs, ours first: each is told the folder, and tells JSON in its last line."""
    commands = {OURS: [sys.executable, "-m", "benchmarks.drift", str(folder)]}
    where = {**dict.fromkeys(OURS_TOO, sys.executable), **interpreters(TOOLS)}
    script = str(ROOT / "benchmarks" / "drift_peers.py")
    return {**commands, **{name: [python, script, str(folder), name] for name, python in where.items()}}


def _told(command: list[str]) -> Json:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    told: Json = json.loads(done.stdout.splitlines()[-1])
    return told


def _line(what: str, told: Sequence[Json]) -> Json:
    return {
        "what": what if what == OURS else f"  {what}",
        "cells_per_second": median(one["cells"] / one["seconds"] for one in told),
        "mebibytes": max(one["mebibytes"] for one in told),
        "flagged": told[0]["flagged"],
    }


def main() -> None:
    """One job when told a folder, as a process of its own; else all of them."""
    if len(sys.argv) > 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        timed(CELLS, lambda: job(Path(sys.argv[1])))
        return
    found = list(measured())
    for one in found:
        print(json.dumps(one))
    print("\n".join(f"MISSED: {what}" for what in missed(found)) or "all goals held")


if __name__ == "__main__":
    main()
