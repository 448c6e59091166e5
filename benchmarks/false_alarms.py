"""How often all drift signals together cry on streams in which nothing ever changes: the promise beside what is seen.

``python -m benchmarks.false_alarms [--years N] [--json]``
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.streams import Stream, remembering, shuffled  # noqa: E402
from homeostat.data.profiles import Profile  # noqa: E402
from homeostat.monitoring.drift_limits import DriftLimits, drift_limits  # noqa: E402
from homeostat.monitoring.drifting import drifted  # noqa: E402
from homeostat.monitoring.windows import Window  # noqa: E402

WATCHED = DriftLimits()
STREAM_DAYS = 365
ROWS = 500
DAY = Window(0, 86_400_000_000, "1970-01-01")
Json = dict[str, Any]


def main() -> None:
    """Measure, then print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=200, help="simulated years of each kind of stream")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    given = parser.parse_args()
    for line in measured(given.years):
        print(json.dumps(line) if given.json else told(line), flush=True)


def measured(years: int) -> Iterator[Json]:
    """One line per kind of stream: earned limits only, for these alone promise a rate."""
    draws = -(-years * 365 // STREAM_DAYS)
    yield _line("flights in a random order, 180 days of reference", shuffled(180, STREAM_DAYS, ROWS, draws))
    for memory, days in ((0.5, 120), (0.5, 365), (0.8, 365)):
        what = f"wandering numbers with a week, memory {memory}, {days} days of reference"
        yield _line(what, remembering(days, STREAM_DAYS, ROWS, draws, memory))


def _line(what: str, streams: Iterator[Stream]) -> Json:
    shares, earned, draws = [], [], 0
    for draw, stream in enumerate(streams):
        share, of = _alarms(stream, draw)
        draws += 1
        earned.append(of)
        shares.append(share)
    alarms = np.array(shares) * WATCHED.quiet_windows
    error = float(alarms.std(ddof=1) / np.sqrt(draws))
    p = float(stats.t.sf((alarms.mean() - 1.0) / error, draws - 1)) if error > 0 else 1.0
    return {
        "what": what,
        "years": round(draws * STREAM_DAYS / 365, 1),
        "alarms_per_90_windows": float(alarms.mean()),
        "error": error,
        "promised": 1.0,
        "rejected": bool(p < 0.05),
        "earned_share": float(np.mean(earned)),
    }


def _alarms(stream: Stream, draw: int) -> tuple[float, float]:
    """The share of days on which some earned limit is exceeded, and of limits that are earned."""
    limits = drift_limits(stream.reference, stream.trained, WATCHED, np.random.default_rng(draw))
    earned = {key: one for key, one in limits.items() if one.kind == "earned"}
    mine = [key for key in limits if key[2] in stream.later]
    upto = {name: np.concatenate((np.zeros((1, table.shape[1]), np.int64), np.cumsum(table, axis=0)))
            for name, table in stream.later.items()}  # fmt: skip
    alarmed = [_alarmed(stream, limits, earned, upto, end) for end in range(max(WATCHED.spans), STREAM_DAYS + 1)]
    return float(np.mean(alarmed)), len([key for key in mine if key in earned]) / len(mine)


def _alarmed(stream: Stream, limits: Any, earned: Any, upto: Any, end: int) -> bool:
    windows = {span: {name: _window(stream.reference.features[name], table[end] - table[end - span])
                      for name, table in upto.items()} for span in WATCHED.spans}  # fmt: skip
    found = drifted(stream.reference, windows, DAY, limits)
    return any((one.span, one.measure, name) in earned for one in found for name in one.above)


def _window(reference: Profile, counts: np.ndarray) -> Profile:
    return reference.filled(counts[:-1].tolist(), int(counts[-1]))


def told(line: Json) -> str:
    """One line for people."""
    verdict = "REJECTED" if line["rejected"] else "holds"
    alarms = f"{line['alarms_per_90_windows']:.2f} +- {line['error']:.2f} alarms in 90 windows, 1 promised: {verdict}"
    return f"{line['what']:<70} {alarms}; {line['earned_share']:.0%} of limits earned, {line['years']:g} years"


if __name__ == "__main__":
    main()
