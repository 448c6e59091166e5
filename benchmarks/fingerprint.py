"""How long the hash of training rows takes: ``python -m benchmarks.fingerprint [ROWS]``."""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd

from homeostat.training.rowhash import digest_rows
from homeostat.training.rows import TrainingRows

NUMBERS, TEXTS = 16, 4
_YEAR = 365 * 86_400_000_000


def made(count: int) -> TrainingRows:
    """Rows of a year: numbers with some missing, texts of tens to hundreds of categories."""
    rng = np.random.default_rng(0)
    columns: dict[str, pd.Series[float] | pd.Series[str]] = {}
    for place in range(NUMBERS):
        values = rng.random(count, dtype=np.float32)
        values[:: 7 + place] = np.nan
        columns[f"number_{place}"] = pd.Series(values)
    for place in range(TEXTS):
        names = np.array([f"category {one}" for one in range(10 * 4**place)], dtype=object)
        columns[f"text_{place}"] = pd.Series(names[rng.integers(0, names.size, count)], dtype=object)
    asked_at = np.sort(rng.integers(0, _YEAR, count))
    return TrainingRows(pd.DataFrame(columns), rng.random(count) < 0.2, asked_at)


def main(count: int) -> None:
    """Print seconds of the wall and of the processor, on one thread and on two."""
    rows = made(count)
    for threads in (1, 2):
        wall, used = time.perf_counter(), time.process_time()
        found = digest_rows(rows, threads)
        wall, used = time.perf_counter() - wall, time.process_time() - used
        print(f"{count:,} rows x {NUMBERS + TEXTS}, {threads} thread(s): {wall:.2f} s, processor {used:.2f} s")
        print(f"  {found.hash[:16]} of {len(found.days)} days")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
