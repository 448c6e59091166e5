"""How often all drift signals together cry on streams in which nothing ever changes: the promise beside what is seen.

``python -m benchmarks.false_alarms [--years N] [--stream TEXT] [--seed N] [--json]``
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.streams import Stream, remembering, shuffled  # noqa: E402
from homeostat.data.profiles import Profile  # noqa: E402
from homeostat.monitoring.detectors import least_rows  # noqa: E402
from homeostat.monitoring.drift_limits import DriftLimits, Key, Limit, drift_limits  # noqa: E402
from homeostat.monitoring.drifting import drifted  # noqa: E402
from homeostat.monitoring.windows import Window  # noqa: E402
from homeostat.stats.drift.window_distances import Series, window_distances  # noqa: E402

WATCHED = DriftLimits()
STREAM_DAYS = 365
ROWS = 500
DAY = Window(0, 86_400_000_000, "1970-01-01")
Json = dict[str, Any]


def main() -> None:
    """Measure, then print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=200, help="simulated years of each kind of stream")
    parser.add_argument("--stream", default="", help="only streams that are called so, such as 'memory 0.8'")
    parser.add_argument("--seed", type=int, default=1, help="another draws others; 4001 those of docs/drift.md")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    given = parser.parse_args()
    for line in measured(given.years, given.stream, given.seed):
        print(json.dumps(line) if given.json else told(line), flush=True)


def measured(years: int, called: str = "", seed: int = 1) -> Iterator[Json]:
    """One line per kind of stream: earned limits only, for these alone promise a rate."""
    draws = -(-years * 365 // STREAM_DAYS)
    streams = {"flights in a random order, 180 days of reference": shuffled(180, STREAM_DAYS, ROWS, draws, seed=seed)}
    for memory, days in ((0.5, 120), (0.5, 365), (0.8, 365)):
        what = f"wandering numbers with a week, memory {memory}, {days} days of reference"
        streams[what] = remembering(days, STREAM_DAYS, ROWS, draws, memory, seed=seed + 1)
    yield from (_line(what, each) for what, each in streams.items() if called in what)


def _line(what: str, streams: Iterator[Stream]) -> Json:
    shares, earned = [], []
    for draw, stream in enumerate(streams):
        limits = drift_limits(stream.reference, stream.trained, WATCHED, np.random.default_rng(draw))
        mine = {key: one for key, one in limits.items() if key[2] in stream.later}
        alarmed = _alarmed(stream, {key: one.value for key, one in mine.items() if one.kind == "earned"})
        if draw == 0:
            _check(stream, limits, alarmed)
        shares.append(float(alarmed.mean()))
        earned.append(float(np.mean([one.kind == "earned" for one in mine.values()])))
    alarms = np.array(shares) * WATCHED.quiet_windows
    error = float(alarms.std(ddof=1) / np.sqrt(len(shares)))
    p = float(stats.t.sf((alarms.mean() - 1.0) / error, len(shares) - 1)) if error > 0 else 1.0
    return {
        "what": what,
        "years": round(len(shares) * STREAM_DAYS / 365, 1),
        "alarms_per_90_windows": float(alarms.mean()),
        "error": error,
        "promised": 1.0,
        "rejected": bool(p < 0.05),
        "earned_share": float(np.mean(earned)),
    }


def _alarmed(stream: Stream, earned: Mapping[Key, float]) -> np.ndarray:
    """Of each day with whole windows whether some earned limit is exceeded."""
    first = max(WATCHED.spans)
    found = np.zeros(STREAM_DAYS - first + 1, dtype=bool)
    for name, table in stream.later.items():
        profile = stream.reference.features[name]
        reference = np.array([(*profile.counts, profile.missing)], dtype=np.float64)
        series = Series(name, table, profile.kind == "number", least_rows(profile))
        upto = np.concatenate((np.zeros((1, table.shape[1])), np.cumsum(table, axis=0)))
        for span in WATCHED.spans:
            windows = upto[first:] - upto[first - span : len(upto) - span]
            for measure, values in window_distances(reference, windows, series).items():
                found |= values > earned.get((span, measure, name), np.inf)
    return found


def _check(stream: Stream, limits: Mapping[Key, Limit], alarmed: np.ndarray) -> None:
    """What is computed for all days at once is what the product tells of a day: of alarms, and of some days."""
    upto = {name: np.concatenate((np.zeros((1, table.shape[1]), np.int64), np.cumsum(table, axis=0)))
            for name, table in stream.later.items()}  # fmt: skip
    for place in {*np.flatnonzero(alarmed)[:20].tolist(), *range(0, len(alarmed), 30)}:
        end = max(WATCHED.spans) + place
        windows = {span: {name: _window(stream.reference.features[name], table[end] - table[end - span])
                          for name, table in upto.items()} for span in WATCHED.spans}  # fmt: skip
        told = drifted(stream.reference, windows, DAY, limits)
        above = any(limits[one.span, one.measure, name].kind == "earned" for one in told for name in one.above)
        if above != alarmed[place]:
            raise AssertionError(f"The product and the benchmark differ on day {end}.")


def _window(reference: Profile, counts: np.ndarray) -> Profile:
    return reference.filled(counts[:-1].tolist(), int(counts[-1]))


def told(line: Json) -> str:
    """One line for people."""
    verdict = "REJECTED" if line["rejected"] else "holds"
    alarms = f"{line['alarms_per_90_windows']:.2f} +- {line['error']:.2f} alarms in 90 windows, 1 promised: {verdict}"
    return f"{line['what']:<70} {alarms}; {line['earned_share']:.0%} of limits earned, {line['years']:g} years"


if __name__ == "__main__":
    main()
