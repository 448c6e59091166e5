"""Counters and histograms that cost a dictionary entry: the request path counts, a scrape makes the families.

prometheus_client's own take a lock and a look-up of labels each, some microseconds that every request would pay
several times. These are for one thread, the event loop's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

Key = tuple[str, ...]


class Tally:
    """A family of counters by label values."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self._name, self._text, self._labels = f"homeostat_{name}", text, labels
        self._counts: dict[Key, float] = {}

    def add(self, key: Key, count: float = 1) -> None:
        """Count; ``key`` holds the label values in order."""
        self._counts[key] = self._counts.get(key, 0) + count

    def put(self, key: Key, count: float) -> None:
        """Replace the count, for what somebody else counts."""
        self._counts[key] = count

    def collect(self) -> Iterator[Metric]:
        """What was counted so far."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for key, count in self._counts.items():
            family.add_metric(key, count)
        yield family


class Reading:
    """A family of gauges by label values."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self._name, self._text, self._labels = f"homeostat_{name}", text, labels
        self._values: dict[Key, float] = {}

    def set(self, key: Key, value: float) -> None:
        """Replace the value; ``key`` holds the label values in order."""
        self._values[key] = value

    def clear(self) -> None:
        """Forget every value: what is set anew with each look does not outlive its cause."""
        self._values.clear()

    def collect(self) -> Iterator[Metric]:
        """The values now."""
        family = GaugeMetricFamily(self._name, self._text, labels=self._labels)
        for key, value in self._values.items():
            family.add_metric(key, value)
        yield family


class Seconds:
    """A family of histograms of seconds by label values."""

    def __init__(self, name: str, text: str, bounds: Sequence[float], *labels: str) -> None:
        self._name, self._text, self._labels, self._bounds = f"homeostat_{name}_seconds", text, labels, tuple(bounds)
        self._counts: dict[Key, list[float]] = {}

    def observe(self, key: Key, seconds: float) -> None:
        """Count one duration; ``key`` holds the label values in order."""
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0.0] * (len(self._bounds) + 2)
        counts[bisect_left(self._bounds, seconds)] += 1
        counts[-1] += seconds

    def collect(self) -> Iterator[Metric]:
        """What was observed so far."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        names = [*(str(bound) for bound in self._bounds), "+Inf"]
        for key, counts in self._counts.items():
            below, buckets = 0.0, []
            for name, count in zip(names, counts, strict=False):
                below += count
                buckets.append((name, below))
            family.add_metric(key, buckets, counts[-1])
        yield family
