"""Where a predict request's time goes, read from what the replicas have counted since they started."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from homeostat.app.gateway.batched import batching_of
from homeostat.app.gateway.counted import Sample, samples_of
from homeostat.kernel.errors import InvalidInput

Json = dict[str, Any]
STAGES: Mapping[str, str] = {
    "decode": "Send fewer or shorter columns, or tensors in binary.",
    "check": "Simplify what the contract promises of the question: patterns and rules cost most.",
    "features": "Read fewer views, or merge views of one entity; see 'homeostat features list'.",
    "predict": "Use a smaller model, or send several rows in a request.",
    "log": "The wait is for the disk: use a faster one, or durability=system where a power cut may cost seconds.",
    "encode": "Send fewer rows in a request.",
}
"""What a request spends time on, in order, and what to do where it spends most."""


@dataclass(slots=True)
class Histogram:
    """Counts of durations by upper bound in seconds, of all replicas together."""

    below: dict[float, float] = field(default_factory=lambda: defaultdict(float))
    total: float = 0.0

    @property
    def count(self) -> float:
        """How many were observed."""
        return self.below.get(float("inf"), 0.0)

    @property
    def mean(self) -> float | None:
        """Seconds on average; None without any."""
        return self.total / self.count if self.count else None

    def add(self, other: Histogram) -> None:
        """Count what another counted, too."""
        for bound, count in other.below.items():
            self.below[bound] += count
        self.total += other.total

    def quantile(self, share: float) -> float | None:
        """Seconds that ``share`` of the durations stay below, interpolated in the bucket; None without any.

        >>> quantile = Histogram({0.001: 50.0, 0.002: 100.0, float("inf"): 100.0}, 0.1).quantile
        >>> quantile(0.5), quantile(0.75)
        (0.001, 0.0015)
        """
        if not self.count:
            return None
        wanted, low, under = share * self.count, 0.0, 0.0
        for bound, count in sorted(self.below.items()):
            if count >= wanted:
                inside = (wanted - under) / (count - under) if count > under else 1.0
                return low if bound == float("inf") else low + (bound - low) * inside
            low, under = bound, count
        return low


def budget(exposition: str, loop: str, hourly_price: float | None = None) -> Json:
    """The budget of all that the replicas have counted since they started, and whose requests they predict together."""
    samples = list(samples_of(exposition))
    return {**budget_of(samples, loop, hourly_price), "batching": batching_of(samples, loop)}


def sped_up(stages: Mapping[str, float], stage: str, factor: float) -> tuple[float, float]:
    """What a whole request would take were one stage so many times as fast, and how many times as fast it would be.

    The other stages take what they took: that is what bounds it. Raises: InvalidInput for a factor not above 0.
    Source: Amdahl (1967), AFIPS 30, 483-485.

    >>> sped_up({"features": 25.0, "predict": 45.0}, "predict", 3)
    (40.0, 1.75)
    """
    if not 0 < factor < float("inf"):
        raise InvalidInput(f"Nothing is {factor} times as fast.", mend="Give a number above 0, such as 2.")
    whole = sum(stages.values())
    after = whole - stages[stage] * (1 - 1 / factor)
    return after, whole / after


def budget_of(samples: Iterable[Sample], loop: str, hourly_price: float | None = None) -> Json:
    """Per stage the mean, p50 and p99 in milliseconds and the share of the mean request; what to attack first.

    ``other`` is what no stage accounts for: the server, and waiting for a turn. With an ``hourly_price`` of one
    replica, also what a thousand predictions cost: as deployed, and by the processor time they took.
    """
    read = _read(samples, loop)
    whole = read.histograms["homeostat_predict_seconds"][()]
    stages: dict[str, Histogram] = defaultdict(Histogram)
    for (_, _, stage), found in read.histograms["homeostat_stage_seconds"].items():
        stages[stage].add(found)
    told = [{"stage": name, **_figures(stages[name], whole)} for name in STAGES]
    timed = sum(one["mean_ms"] or 0.0 for one in told)
    mean = None if whole.mean is None else whole.mean * 1e3
    return {
        "loop": loop,
        "requests": int(whole.count),
        "request": _figures(whole, whole),
        "stages": told,
        "other_ms": None if mean is None else max(0.0, mean - timed),
        "queue": _figures(read.histograms["homeostat_queue_seconds"][()], Histogram()),
        "attack": None if not whole.count else _attack(told, max(0.0, (mean or 0.0) - timed)),
        "arms": _arms(read.histograms["homeostat_stage_seconds"]),
        "cost": _cost(read, hourly_price),
    }


@dataclass(slots=True)
class _Read:
    """What an exposition says of one loop, over all replicas."""

    histograms: dict[str, dict[tuple[str, ...], Histogram]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Histogram))
    )
    predictions: float = 0.0
    processor: float = 0.0
    uptime: float = 0.0


def _read(samples: Iterable[Sample], loop: str) -> _Read:
    read = _Read()
    for name, labels, value in samples:
        if labels.get("loop", loop) != loop:
            continue
        if name.endswith(("_bucket", "_sum")):
            key = tuple(labels[label] for label in ("version", "arm", "stage") if label in labels)
            found = read.histograms[name.rpartition("_")[0]][key]
            if name.endswith("_sum"):
                found.total += value
            else:
                found.below[float(labels["le"])] += value
        elif name == "homeostat_predictions_total":
            read.predictions += value
        elif name == "homeostat_processor_seconds_total":
            read.processor += value
        elif name == "homeostat_uptime_seconds":
            read.uptime += value
    return read


def _figures(found: Histogram, whole: Histogram) -> Json:
    mean, p50, p99 = found.mean, found.quantile(0.5), found.quantile(0.99)
    return {
        "mean_ms": None if mean is None else mean * 1e3,
        "p50_ms": None if p50 is None else p50 * 1e3,
        "p99_ms": None if p99 is None else p99 * 1e3,
        "share": None if mean is None or not whole.mean else found.total / whole.total,
    }


def _attack(told: list[Json], other: float) -> Json:
    """The stage in which most time goes, what to do there, and what a request would take were it twice as fast."""
    stages = {"other": other, **{one["stage"]: one["mean_ms"] or 0.0 for one in told}}
    stage = max(STAGES, key=lambda name: stages[name])
    after, faster = sped_up(stages, stage, 2) if any(stages.values()) else (None, None)
    return {"stage": stage, "mend": STAGES[stage], "if_twice_as_fast_ms": after, "times_as_fast": faster}


def _arms(found: Mapping[tuple[str, ...], Histogram]) -> list[Json]:
    """What the versions themselves took, arm by arm."""
    predicted: Iterable[tuple[str, str, Histogram]] = (
        (version, arm, one) for (version, arm, stage), one in sorted(found.items()) if stage == "predict"
    )
    return [{"version": version, "arm": arm, **_figures(one, Histogram())} for version, arm, one in predicted]


def _cost(read: _Read, hourly_price: float | None) -> Json | None:
    if hourly_price is None or not read.predictions:
        return None
    per_second = hourly_price / 3600 / read.predictions * 1_000
    return {
        "hourly_price": hourly_price,
        "per_thousand_as_deployed": read.uptime * per_second,
        "per_thousand_by_processor": read.processor * per_second,
    }
