"""What the doors counted between two looks at them: restarts and absent replicas never count twice or as zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from homeostat.kernel.clock import Instant

Sample = tuple[str, Mapping[str, str], float]
"""A name, labels and a value of an exposition."""
Key = tuple[str, tuple[tuple[str, str], ...]]
PREDICTING = frozenset({"predict", "infer", "grpc_infer", "invocations"})
"""Doors that give predictions, by name."""
_UPTIME: Key = ("homeostat_uptime_seconds", ())
_GROWING = ("_total", "_bucket", "_sum", "_count")


@dataclass(frozen=True, slots=True)
class Look:
    """What each replica had counted, by its name. ``at`` is for people; ``seconds`` come of a clock that only grows."""

    at: Instant
    seconds: float
    replicas: Mapping[str, Mapping[Key, float]]

    def samples(self) -> Iterator[Sample]:
        """Everything that was read, replica by replica."""
        for counts in self.replicas.values():
            yield from ((name, dict(labels), value) for (name, labels), value in counts.items())


@dataclass(frozen=True, slots=True)
class Added:
    """What came between two looks, of ``replicas`` together, in ``seconds``; of no replica where it is not known."""

    at: Instant
    seconds: float = 0.0
    replicas: tuple[str, ...] = ()
    counts: Mapping[Key, float] = field(default_factory=dict)

    def samples(self) -> Iterator[Sample]:
        """What was added, as an exposition would tell it."""
        return ((name, dict(labels), value) for (name, labels), value in self.counts.items())


def samples_of(exposition: str) -> Iterator[Sample]:
    """Everything an exposition says."""
    from prometheus_client.parser import text_string_to_metric_families

    for family in text_string_to_metric_families(exposition):
        yield from ((sample.name, sample.labels, float(sample.value)) for sample in family.samples)


def look_at(exposition: str, at: Instant, seconds: float) -> Look:
    """Sort an exposition by replica; one that names none is of one replica."""
    replicas: dict[str, dict[Key, float]] = {}
    for name, labels, value in samples_of(exposition):
        rest = tuple(sorted((label, text) for label, text in labels.items() if label != "replica"))
        replicas.setdefault(labels.get("replica", ""), {})[name, rest] = value
    return Look(at, seconds, replicas)


def added(before: Look, after: Look) -> Added:
    """What was counted between two looks.

    Of a replica that started in between, all it has counted; of one that was not seen before, nothing, since nobody
    knows when it counted that.
    """
    elapsed, counts, seen = after.seconds - before.seconds, dict[Key, float](), []
    for name, now in after.replicas.items():
        known = before.replicas.get(name)
        uptime = now.get(_UPTIME, 0.0)
        if known is None and uptime > elapsed:
            continue
        seen.append(name)
        base = {} if known is None or uptime < known.get(_UPTIME, 0.0) else known
        for key, value in now.items():
            if key == _UPTIME or key[0].endswith(_GROWING):
                counts[key] = counts.get(key, 0.0) + max(0.0, value - base.get(key, 0.0))
    return Added(after.at, elapsed, tuple(seen), {key: count for key, count in counts.items() if count})


def together(stretches: Sequence[Added]) -> Added:
    """What was added in all of them; a stretch of which nothing is known adds nothing, not even time."""
    known = [one for one in stretches if one.replicas]
    counts: dict[Key, float] = {}
    for one in known:
        for key, count in one.counts.items():
            counts[key] = counts.get(key, 0.0) + count
    replicas = tuple(sorted({name for one in known for name in one.replicas}))
    return Added(max((one.at for one in known), default=0), sum(one.seconds for one in known), replicas, counts)
