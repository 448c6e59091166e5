"""How many windows a planted shift stays unseen, beside a test that knows it and beside what others watch.

Rows are independent, so that a test of the likelihood ratio that knows both distributions is the best there can be.
"Not where" is the same test for whoever knows the kind and size of a change, but not which subject, direction or bins
it meets: the greatest of all such sums. "Told when" bounds all who do not know where: see `told_when`. Every detector
is tuned to the false alarms that the earned limits raise on a long stream without change. In time is what takes at most
twice as many windows as the test that knows, and one.

``python -m benchmarks.detection [--shift TEXT] [--references N] [--seed N] [--json]``
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp, ndtr
from scipy.stats import chi2

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.streams import BINS, EDGES  # noqa: E402
from homeostat.stats.drift.distance import share_swings  # noqa: E402
from homeostat.stats.drift.earned_limits import earned_limits  # noqa: E402
from homeostat.stats.drift.transport import rank_shifts, rank_spreads  # noqa: E402
from homeostat.stats.drift.window_distances import MEASURES, Series  # noqa: E402

SUBJECTS, ROWS, REFERENCE, NULL_DAYS, MOST = 12, 1_000, 365, 12_000, 150
REFERENCES, DRAWS = 10, 40
"""Of each kind of shift so many streams against each of so many references, which have limits of their own."""
NULL_OF_ALL, SOON = 5_000, 60
"""Shorter streams for whoever looks for thousands of changes at once: it needs no more to be told to a tenth."""
LOOKS = 250
"""Looks that are drawn at a time."""
SPANS = (1, 3, 7, 28)
RATE = 1 / 90
Json = dict[str, Any]
Shares = np.ndarray


def main() -> None:
    """Measure, then print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shift", default="", help="only shifts that are called so, such as 'wide'")
    parser.add_argument("--references", type=int, default=REFERENCES, help="how many references, of 40 streams each")
    parser.add_argument("--seed", type=int, default=2015, help="another one draws others; 2015 those of docs/drift.md")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    given = parser.parse_args()
    for line in measured(given.shift, given.references, given.seed):
        print(json.dumps(line) if given.json else told(line), flush=True)


def shifts() -> Iterator[tuple[str, Shares, list[Shares]]]:
    """The shares of one subject's bins after the change, while the others stay; and of all changes of kind and size."""
    for size in (0.05, 0.075, 0.1, 0.15, 0.2, 0.4):
        like = [_shares(lambda edges, by=by: ndtr(edges - by)) for by in (size, -size)]
        yield f"mean moved by {size} deviations", like[0], like
    for size in (1.03, 1.05, 1.1, 1.2):
        like = [_shares(lambda edges, by=by: ndtr(edges / by)) for by in (size, 1 / size)]
        yield f"{size} times as wide", like[0], like
    for size in (0.005, 0.01, 0.02):
        like = [_moved(size, to, away) for to in range(BINS) for away in range(BINS) if to != away]
        yield f"{size:.1%} of rows from one bin to another", _moved(size, 3, 12), like


def _moved(size: float, to: int, away: int) -> Shares:
    shares = np.full(BINS, 1 / BINS)
    shares[[to, away]] += size, -size
    return shares


def _shares(upto: Callable[[np.ndarray], np.ndarray]) -> Shares:
    return np.diff(np.append(upto(EDGES), 1.0), prepend=0.0)


@dataclass
class Setting:
    """One reference, the limits earned on it, and a long stream without change for tuning all to one rate."""

    rng: np.random.Generator
    reference: np.ndarray = field(init=False)
    limits: dict[tuple[int, str], np.ndarray] = field(init=False)
    null: np.ndarray = field(init=False)
    rate: float = field(init=False)

    def __post_init__(self) -> None:
        days = draw(self.rng, REFERENCE)
        self.reference = days.sum(axis=0)
        least = dict.fromkeys(MEASURES, 0)
        series = [
            Series(str(n), np.hstack((days[:, n], np.zeros((REFERENCE, 1), np.int64))), True, least)
            for n in range(SUBJECTS)
        ]
        earned = earned_limits(series, spans=SPANS, rate=RATE, draws=3_600, rng=self.rng)
        by = {(one.span, one.measure, int(one.subject)): one.limit for one in earned}
        self.limits = {
            (span, measure): np.array([by[span, measure, n] for n in range(SUBJECTS)], dtype=float)
            for span in SPANS for measure in MEASURES if measure != "missing_change"
        }  # fmt: skip
        self.null = draw(self.rng, NULL_DAYS)
        self.rate = float(self.ours(self.null)[max(SPANS) :].mean())

    def ours(self, days: np.ndarray) -> np.ndarray:
        """On which days some earned limit is exceeded."""
        above = np.zeros(len(days), dtype=bool)
        for span in SPANS:
            windows = _windows(days, span)
            for measure, values in self.distances(windows).items():
                above[span - 1 :] |= (values > self.limits[span, measure]).any(axis=1)
        return above

    def distances(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        before = self.reference / self.reference.sum(axis=-1, keepdims=True)
        now = windows / windows.sum(axis=-1, keepdims=True)
        first, second = np.maximum(before, 1e-4), np.maximum(now, 1e-4)
        return {
            "psi": ((second - first) * np.log(second / first)).sum(axis=-1),
            "ks": np.abs(np.cumsum(now - before, axis=-1)).max(axis=-1),
            "rank_shift": rank_shifts(np.broadcast_to(before, now.shape), now),
            "rank_spread": rank_spreads(before, now),
            "share_swing": share_swings(before, now),
        }

    def others(self) -> dict[str, tuple[Callable[[np.ndarray], np.ndarray], float]]:
        """What others watch, day by day: a statistic, and the limit at which it cries as seldom as the earned ones."""
        watched: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "PSI": lambda days: self.distances(days)["psi"].max(axis=1),
            "KS": lambda days: self.distances(days)["ks"].max(axis=1),
            "p-values": self._least_p,
        }
        return {name: (seen, float(np.quantile(seen(self.null), 1 - self.rate))) for name, seen in watched.items()}

    def _least_p(self, days: np.ndarray) -> np.ndarray:
        """Minus the logarithm of the smallest chi-square p-value of the day's features."""
        expected = self.reference / self.reference.sum(axis=-1, keepdims=True) * days.sum(axis=-1, keepdims=True)
        wider = 1 + days.sum(axis=-1) / self.reference.sum(axis=-1)
        statistic = ((days - expected) ** 2 / expected).sum(axis=-1) / wider
        return -chi2.logsf(statistic, BINS - 1).min(axis=1)


def measured(called: str = "", references: int = REFERENCES, seed: int = 2015) -> Iterator[Json]:
    """The median delay of each detector for each shift, from streams that ran for long before it."""
    settings = [Setting(np.random.default_rng([seed, number])) for number in range(references)]
    others = [setting.others() for setting in settings]
    rate = float(np.mean([setting.rate for setting in settings]))
    for what, after, like in (shift for shift in shifts() if called in shift[0]):
        found: dict[str, list[float]] = {}
        for setting, theirs in zip(settings, others, strict=True):
            _delays(setting, theirs, after, like, found)
        sooner = told_when(after, like, rate, np.random.default_rng([seed, references]))
        yield {"what": what, "rate_of_90": rate * 90, "told_when": sooner, **_medians(found, others[0])}


def told_when(after: Shares, like: list[Shares], rate: float, rng: np.random.Generator) -> int:
    """Fewer windows than this no detector takes, at the median, that treats all places of a change alike.

    Whoever cries in one of 1 / ``rate`` windows cries within k of them with k * rate at most, and of all tests of so
    many false alarms on k windows, told that the change begins with the first, the mean of the likelihood ratios of all
    places finds most. This is the first k at which it finds half.
    Source: Neyman and Pearson (1933), Philosophical Transactions of the Royal Society A 231, 289-337.
    """
    ratios = np.log(np.array(like).T * BINS)
    for windows in range(1, MOST):
        null = np.concatenate([_mixed(draw(rng, LOOKS, rows=windows * ROWS), ratios) for _ in range(20)])
        changed = np.concatenate([_mixed(draw(rng, LOOKS, after, windows * ROWS), ratios) for _ in range(4)])
        if np.mean(changed > np.quantile(null, 1.0 - min(1.0, windows * rate))) >= 0.5:
            return windows
    return MOST


def _mixed(windows: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """The logarithm of the mean likelihood ratio of every subject and change."""
    return np.asarray(logsumexp((windows @ ratios).reshape(len(windows), -1), axis=1))


def _delays(setting: Setting, others: Any, after: Shares, like: list[Shares], found: dict[str, list[float]]) -> None:
    ratio, ratios = np.log(after[:, None] * BINS), np.log(np.array(like).T * BINS)
    limit = float(np.quantile(_cusum(setting.null[:, :1] @ ratio), 1 - setting.rate))
    limit_of_all = float(np.quantile(_cusum(setting.null[:NULL_OF_ALL] @ ratios), 1 - setting.rate))
    for _ in range(DRAWS):
        before = draw(setting.rng, max(SPANS) + 12)
        days = np.concatenate((before, draw(setting.rng, MOST, after)))
        start = len(before)
        found.setdefault("likelihood ratio", []).append(_first(_cusum(days[:, :1] @ ratio)[start:] > limit))
        found.setdefault("not where", []).append(_first(_cusum(days[: start + SOON] @ ratios)[start:] > limit_of_all))
        found.setdefault("earned limits", []).append(_first(setting.ours(days)[start:]))
        for name, (seen, most) in others.items():
            found.setdefault(name, []).append(_first(seen(days[start:]) > most))


def _medians(found: dict[str, list[float]], others: Any) -> Json:
    delays = {name: float(np.median(each)) for name, each in found.items()}
    ours, allowed = delays["earned limits"], 2 * delays["likelihood ratio"] + 1
    best = min(delays[name] for name in others)
    return {"delays": delays, "allowed": allowed, "in_time": ours <= allowed, "no_later_than_others": ours <= best}


def draw(rng: np.random.Generator, days: int, first: Shares | None = None, rows: int = ROWS) -> np.ndarray:
    """(days, subjects, bins) counts of so many rows in evenly filled bins, of the first subject by other shares."""
    shares = np.full((SUBJECTS, BINS), 1 / BINS)
    if first is not None:
        shares[0] = first
    return rng.multinomial(rows, np.broadcast_to(shares, (days, SUBJECTS, BINS)))


def _windows(days: np.ndarray, span: int) -> np.ndarray:
    upto = np.concatenate((np.zeros((1, *days.shape[1:]), np.int64), np.cumsum(days, axis=0)))
    return upto[span:] - upto[:-span]


def _cusum(steps: np.ndarray) -> np.ndarray:
    """By day the greatest sum up to it of (days, subjects, changes) log-ratios, of any subject and change."""
    found, level = np.empty(len(steps)), np.zeros(steps.shape[1:])
    for place, step in enumerate(steps):
        level = np.maximum(0.0, level + step)
        found[place] = level.max()
    return found


def _first(alarms: np.ndarray) -> float:
    """The number of windows up to the first alarm; infinite where there is none."""
    return float(np.argmax(alarms)) + 1.0 if alarms.any() else np.inf


def told(line: Json) -> str:
    """One line for people."""
    delays = "   ".join(f"{name} {_days(value)}" for name, value in line["delays"].items())
    told = f"told when {line['told_when']}   "
    ours, others = ("" if line[mark] else "NOT " for mark in ("in_time", "no_later_than_others"))
    return f"{line['what']:<40} {delays}   {told}{ours}in time, {line['allowed']:g} allowed; {others}the first"


def _days(value: float) -> str:
    return f"> {MOST}" if np.isinf(value) else f"{value:g}"


if __name__ == "__main__":
    main()
