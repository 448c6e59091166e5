"""How often bounds of many streams ever miss the truth, and how wide they are: the promise beside what is seen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from scipy.signal import lfilter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from homeostat.kernel.errors import NotEnoughData  # noqa: E402
from homeostat.stats.blocks import choose_block  # noqa: E402
from homeostat.stats.intervals import block_mean  # noqa: E402
from homeostat.stats.looks.bernstein import MovingMean  # noqa: E402
from homeostat.stats.looks.betting import BoundedMean  # noqa: E402
from homeostat.stats.looks.bounded import Bounded  # noqa: E402

ALPHA = 0.05
BLOCKS = 365
UNIT = Bounded(0.0, 1.0)
Json = dict[str, Any]


def missed(streams: int = 2_000) -> Iterator[Json]:
    """A year of blocks, looked at after every one: the share of streams ever missed, beside a t-interval's."""
    for kind, mean in (("coin", 0.5), ("rare", 0.05), ("days of accuracy", 0.8), ("two kinds of day", 0.6)):
        values = _values(kind, mean, streams, np.random.default_rng(2013))
        budget = np.log(2.0 / ALPHA)
        ours = sum(_most(one, mean) > budget for one in values)
        yield {
            "what": kind,
            "promised": ALPHA,
            "every look": ours / streams,
            "t-interval at every look": float(_naive(values, mean).mean()),
            "rejected": bool(stats.binomtest(ours, streams, ALPHA, alternative="greater").pvalue < ALPHA),
        }


def widths() -> Iterator[Json]:
    """Half the width in points of accuracy after some days, beside that of a t-interval for one look."""
    for kind, mean in (("coin", 0.5), ("days of accuracy", 0.8)):
        values = _values(kind, mean, 30, np.random.default_rng(1))
        for days in (10, 30, 90, 365):
            ones = np.ones(days)
            found: dict[str, list[float]] = {"betting": [], "moving mean": [], "t, one look": []}
            for one in values[:, :days]:
                for name, bounds in (
                    ("betting", BoundedMean(UNIT).seen(one, ones).interval()),
                    ("moving mean", MovingMean(UNIT).seen(one, ones).interval()),
                    ("t, one look", block_mean(one, np.arange(days))),
                ):
                    found[name].append(50.0 * (bounds.high - bounds.low))
            yield {"what": kind, "days": days, **{name: float(np.mean(half)) for name, half in found.items()}}


def memories(streams: int = 400) -> Iterator[Json]:
    """Hourly rows that remember: coverage of 95 % by rows, by days, and by chosen blocks, and how often none is."""
    rng = np.random.default_rng(5)
    for memory, days in ((0.0, 90), (0.9, 90), (0.9, 365), (0.97, 365)):
        noise = rng.normal(size=(streams, 24 * (days + 30)))
        rows = lfilter([1.0], [1.0, -memory], noise, axis=1)[:, 24 * 30 :]
        seen = [_by_blocks(one) for one in rows]
        chosen = [one for one in seen if one[2] is not None]
        yield {
            "what": f"hours with memory {memory}, {days} days",
            "by row": float(np.mean([one[0] for one in seen])),
            "by day": float(np.mean([one[1] for one in seen])),
            "by chosen block": float(np.mean([one[2] for one in chosen])),
            "chosen, days": float(np.mean([one[3] for one in chosen])),
            "no block": 1.0 - len(chosen) / streams,
            "times wider than rows": float(np.median([one[4] for one in chosen])),
        }


def _values(kind: str, mean: float, streams: int, rng: np.random.Generator) -> np.ndarray:
    shape = (streams, BLOCKS)
    if kind == "days of accuracy":
        return np.asarray(rng.beta(mean * 200, (1 - mean) * 200, shape))
    if kind == "two kinds of day":
        return np.where(rng.random(shape) < 0.8, 0.7, 0.2)
    return np.asarray((rng.random(shape) < mean).astype(np.float64))


def _most(values: np.ndarray, mean: float) -> float:
    stream = BoundedMean(UNIT).seen(values, np.ones(values.size))
    return float(max(stream.log_wealth_above(mean).max(), stream.log_wealth_below(mean).max()))


def _naive(values: np.ndarray, mean: float) -> np.ndarray:
    looks = np.arange(1, values.shape[1] + 1)
    means = np.cumsum(values, axis=1) / looks
    spread = np.maximum(np.cumsum(values**2, axis=1) - looks * means**2, 0.0) / np.maximum(looks - 1, 1)
    reach = stats.t.ppf(1 - ALPHA / 2, np.maximum(looks - 1, 1)) * np.sqrt(spread / looks)
    return np.asarray((np.abs(means - mean) > reach)[:, 9:].any(axis=1))


def _by_blocks(rows: np.ndarray) -> tuple[bool, bool, bool | None, float, float]:
    """Whether 0 is covered by rows, days and chosen blocks; their length in days; their width in that of rows."""
    row = block_mean(rows, np.arange(rows.size))
    day = block_mean(rows, np.arange(rows.size) // 24)
    covered = row.low <= 0.0 <= row.high, day.low <= 0.0 <= day.high
    try:
        chosen = choose_block(rows, np.ones(rows.size), unit=24)
    except NotEnoughData:
        return *covered, None, 0.0, 0.0
    block = block_mean(rows, np.arange(rows.size) // chosen.length)
    half = chosen.inflation * (block.high - block.value)
    return *covered, abs(block.value) <= half, chosen.length / 24, half / (row.high - row.value)


def measured() -> dict[str, list[Json]]:
    """All lines, by what they show."""
    return {(part.__doc__ or "").splitlines()[0]: list(part()) for part in (missed, widths, memories)}


def told(found: dict[str, list[Json]]) -> str:
    """One line per figure."""
    lines = []
    for title, part in found.items():
        lines += ["", title]
        for one in part:
            shown = (f"{name} {_short(value)}" for name, value in one.items() if name != "what")
            lines.append(f"  {one['what']}: {', '.join(shown)}")
    return "\n".join(lines)


def _short(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(told(measured()))
