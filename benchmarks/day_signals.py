"""How long the signals of one large day take: drift over every window, slices, and what is expected before labels.

``python -m benchmarks.day_signals [--rows N] [--json]``; 50 numbers and 10 texts.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import homeostat as hs  # noqa: E402
from homeostat.app.control.drift_watch import DriftWatch  # noqa: E402
from homeostat.app.control.estimated import scores_of  # noqa: E402
from homeostat.app.control.scoring import read_profile  # noqa: E402
from homeostat.app.control.slicing import slices_of_rows  # noqa: E402
from homeostat.control.days import Day, Inputs  # noqa: E402
from homeostat.control.loop import Loop  # noqa: E402
from homeostat.control.performance.estimating import estimates  # noqa: E402
from homeostat.data.daily import DailyCounts, Rows  # noqa: E402
from homeostat.data.profiles import PREDICTION, ReferenceProfile  # noqa: E402
from homeostat.kernel.canonical import canonical_json  # noqa: E402
from homeostat.kernel.clock import duration  # noqa: E402
from homeostat.monitoring.windows import window  # noqa: E402
from homeostat.stats.figures.sums import ScoreSums  # noqa: E402

NUMBERS, TEXTS = [f"n{i}" for i in range(50)], [f"t{i}" for i in range(10)]
KINDS: dict[str, Any] = {**dict.fromkeys(NUMBERS, "number"), **dict.fromkeys(TEXTS, "text")}
DAY, TRAINED, REFERENCE_ROWS = "2024-02-01", 120, 240_000
Json = dict[str, Any]


def main() -> None:
    """Measure, then print a line for each part, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="predictions of the day")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), given.rows)
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<28} {value:.2f}" if isinstance(value, float) else f"{name:<28} {value}")


def measured(folder: Path, rows: int) -> Json:
    """Seconds of processor time of each part on one day, after 27 days before it that were counted."""
    rng = np.random.default_rng(1)
    loop, log = loop_of(), log_of(rng, rows)
    _write_version(folder, rng)
    watch = DriftWatch(loop.name, loop.drift, cast("Any", _Folder(folder)))
    profile = read_profile(folder)
    part = window(DAY, "UTC")
    first, seen = timed(lambda: watch.look("v1", loop.feature_set.kinds, log, [], part))
    days = [_day(part.start - back * duration("1d"), seen) for back in range(27, 0, -1)]
    drift, seen = timed(lambda: watch.look("v1", loop.feature_set.kinds, log, days, part))
    labels = rng.random(rows) < log["probability"].to_numpy()
    slices, _ = timed(lambda: slices_of_rows(loop, log, labels, profile.features, 1))
    scores, counted = timed(lambda: scores_of(log))
    sums = ScoreSums.of(labels[:40_000], log["probability"].to_numpy()[:40_000])
    expected, _ = timed(lambda: estimates(counted.scores, [sums] * 28, 0.5))
    live, _ = timed(lambda: ScoreSums.of(labels, log["probability"].to_numpy()))
    return {
        "rows": rows,
        "features": len(KINDS),
        "limits, once a version": first - drift,
        "drift": drift,
        "slices": slices,
        "scores and estimates": scores + expected,
        "outcomes": live,
        "in all": drift + slices + scores + expected + live,
        "most memory, MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def loop_of() -> Loop:
    """Sixty features of the question, sliced by a text, a number and a pair."""
    contract = {
        "id": hs.text(),
        "at": hs.instant(),
        **dict.fromkeys(NUMBERS, hs.number()),
        **dict.fromkeys(TEXTS, hs.text()),
    }
    asked = hs.Table("asked", key="id", event_time="at", contract=contract)
    told = hs.Table("told", key="id", event_time="at", contract={"id": hs.text(), "at": hs.instant(), "y": hs.number()})
    return hs.Loop(
        name="large",
        question=asked,
        features=[asked[*NUMBERS, *TEXTS]],
        label=hs.Label(told, "y > 0", matures="1d after at"),
        train=lambda rows, config: None,
        slices=["t0", "n0", ("t1", "t2")],
    )


def log_of(rng: np.random.Generator, rows: int) -> pa.Table:
    """A day of the prediction log."""
    columns: dict[str, Any] = {f"x_{name}": rng.normal(size=rows) for name in NUMBERS}
    names = pa.array([f"name {i}" for i in range(40)])
    for name in TEXTS:
        columns[f"x_{name}"] = names.take(pa.array(rng.integers(0, 40, rows)))
    return pa.table({**columns, "probability": rng.beta(2, 5, rows)})


def _write_version(folder: Path, rng: np.random.Generator) -> None:
    asked = np.repeat(np.arange(TRAINED), REFERENCE_ROWS // TRAINED)
    columns: dict[str, Any] = {name: rng.normal(size=asked.size) for name in NUMBERS}
    columns |= {name: np.array([f"name {i}" for i in rng.integers(0, 40, asked.size)], dtype=object) for name in TEXTS}
    scores = rng.beta(2, 5, asked.size)
    reference = ReferenceProfile.of(KINDS, columns, scores)
    daily = DailyCounts.of(reference, Rows(columns, asked), Rows({PREDICTION: scores}, asked))
    (folder / "profile.json").write_bytes(canonical_json(reference.to_json()))
    (folder / "daily.json").write_bytes(canonical_json(daily.to_json()))


def _day(start: int, seen: Any) -> Day:
    inputs = Inputs(1, {}, {}, 0, "v1", {}, {}, None, {}, {}, counted=seen.counted)
    return Day(str(start), start, start + duration("1d"), start + duration("2d"), inputs)


class _Folder:
    """A registry of one version."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder(self, loop: str, version: str) -> Path:
        return self._folder

    def get(self, loop: str, version: str) -> Any:
        """Trained on the days up to the one before the first that was counted."""
        return SimpleNamespace(pin=SimpleNamespace(last=window(DAY, "UTC").start - duration("28d")))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of processor time, and what came of it."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


if __name__ == "__main__":
    main()
