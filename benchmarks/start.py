"""What commands cost that tell how things stand: ``python -m benchmarks.start --home HOME``.

Each is run some times on a home as it lies, as a process of its own; its processor time is what it takes on any machine
of that speed, whoever else is on it.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

COMMANDS = [
    *("keys list", "decisions list", "versions", "alerts", "alerts silences", "route", "ledger verify", "approvals"),
    *("status", "drift", "consumers list", "contract show departures", "quarantine list departures"),
    *("tables", "features", "impact departures"),
]


def main() -> None:
    """Measure each command; print its median and least processor time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("commands", nargs="*", default=COMMANDS)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; seconds of the processor, median and least")
    for words in asked.commands:
        found = [processor(words.split(), asked.home) for _ in range(asked.runs + 1)][1:]
        print(f"{words:28}{median(found):6.3f}{min(found):8.3f}")


def processor(words: list[str], home: Path) -> float:
    """Seconds of the processor, of user and system, from start to end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(Path(sys.executable).parent / "homeostat"), *words, "--home", str(home)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
