"""``python -m benchmarks.serving [--json] [--full] [--only PART]``; peers are looked for in ``HOMEOSTAT_PEERS``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from compileall import compile_dir
from pathlib import Path
from typing import Any

from benchmarks.serving.batched import batching
from benchmarks.serving.changes import changes
from benchmarks.serving.colds import cold_starts
from benchmarks.serving.compared import Pace, beside_limit, durabilities, online_beside_limit, say
from benchmarks.serving.loads import CONNECTIONS, generator
from benchmarks.serving.models import LIGHTGBM, LOGISTIC
from benchmarks.serving.processes import ROOT, cores
from benchmarks.serving.shadowed import shadowing
from benchmarks.serving.shown import missed, shown, undecided
from benchmarks.serving.taken_back import taken_back
from benchmarks.serving.traced import traced

Json = dict[str, Any]
QUICK, FULL = Pace(3, 2.0, 3), Pace(5, 5.0, 5)


def measured(*, full: bool, only: str = "") -> list[Json]:
    """All figures of serving, or those of the part whose name begins so."""
    pace = FULL if full else QUICK
    parts: dict[str, Callable[[Path], Iterator[Json]]] = {
        "logistic": lambda folder: beside_limit(LOGISTIC, folder, pace),
        "lightgbm": lambda folder: beside_limit(LIGHTGBM, folder, pace),
        "online": lambda folder: online_beside_limit(folder, pace),
        "shadow": lambda folder: shadowing(folder, 240 if full else 12),
        "changes": lambda folder: changes(folder, 5, 2_000 if full else 200),
        "rollback": lambda folder: taken_back(folder, 5),
        "cold": lambda folder: cold_starts(folder, 5),
        "durability": lambda folder: durabilities(folder, pace),
        "batching": lambda folder: batching(folder, pace),
        "traces": lambda folder: traced(folder, pace),
    }
    compile_dir(ROOT / "homeostat", quiet=1)  # as installed: a cold start reads bytecode
    found: list[Json] = []
    for name, part in parts.items():
        if name.startswith(only):
            say(name)
            with tempfile.TemporaryDirectory() as folder:
                found += part(Path(folder))
    return found


def told(found: list[Json]) -> str:
    """The table, what it was measured with, and the goals that were missed."""
    one, other = cores()
    with_what = f"{generator()}, {CONNECTIONS} connections; servers on core {one}, all else on core {other}"
    lines = [*shown(found), "", f"{with_what}; load {os.getloadavg()[0]:.1f}"]
    lines.append(
        "ratio: replies a second beside the first server of the same turns; by CPU: the inverse of CPU ms beside its"
    )
    lines += [f"NOT DECIDED: {goal}" for goal in undecided(found)]
    return "\n".join([*lines, *(f"MISSED: {goal}" for goal in missed(found))])


def main() -> None:
    """Measure, then print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="longer, for figures to be published")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    parser.add_argument(
        "--only",
        default="",
        help="logistic, lightgbm, online, shadow, changes, rollback, cold, durability, batching or traces",
    )
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and every server that was started ends
    found = measured(full=asked.full, only=asked.only)
    print(json.dumps({"generator": generator(), "measured": found}, indent=2) if asked.json else told(found))


if __name__ == "__main__":
    main()
