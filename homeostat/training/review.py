"""Does a feature earn its keep? What it is worth goes in; keep, a candidate to drop, or unknown comes out, with why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import DROP, INCONCLUSIVE, KEEP, Reason, Verdict, figure
from homeostat.stats.intervals import Interval


@dataclass(frozen=True, slots=True)
class ReviewLimits:
    """When a worth is small enough to do without, in log-loss (nats per row); intervals are by day at ``confidence``.

    ``harmless``: removing a feature may cost at most this. ``min_rows`` and ``min_days``: on fewer, nothing is said.
    """

    harmless: float = 0.0005
    min_rows: int = 1_000
    min_days: int = 7
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.harmless < 0 or self.min_days < 3 or not 0.5 < self.confidence < 1:
            raise InvalidInput(
                f"A review with harmless {self.harmless}, {self.min_days} days and confidence {self.confidence} "
                "proves nothing.",
                mend="Give a limit of 0 or more, at least 3 days, and a confidence between 0.5 and 1.",
            )


@dataclass(frozen=True, slots=True)
class FeatureWorth:
    """What one feature, or one definition as a whole, was worth lately; None is unknown.

    ``live`` names the versions that serve now, ``importance`` has an entry for those of them that take it: by how
    much the ``loss`` of ``rows`` recent rows of ``days`` days rises when it is shuffled among them. ``without`` is
    that of a model trained without it less that of one trained with it, on the same held-out rows.
    """

    name: str
    rows: int
    days: int
    live: tuple[str, ...]
    importance: Mapping[str, Interval | None]
    without: Interval | None = None
    loss: str = "log-loss"


def judge_worth(seen: FeatureWorth, limits: ReviewLimits) -> Verdict:
    """Retraining without it decides where that was tried and told; else what shuffling it does to live versions."""
    if not seen.live:
        return _say(INCONCLUSIVE, "no_version", 0, 1, "no version serves yet")
    retrained = _by_retraining(seen, limits)
    if retrained is not None:
        return retrained
    if not seen.importance:
        text = f"no live version takes it: {', '.join(seen.live)}"
        return _say(DROP, "unused", 0, 1, text)
    if seen.rows < limits.min_rows or seen.days < limits.min_days:
        return _too_few(seen, limits)
    return _by_shuffling(seen, limits)


def _by_retraining(seen: FeatureWorth, limits: ReviewLimits) -> Verdict | None:
    worth = seen.without
    if worth is None or worth.blocks < limits.min_days or worth.rows < limits.min_rows:
        return None
    if worth.low > 0:
        text = f"trained without it, {seen.loss} rises by at least {figure(worth.low)} > 0"
        return _say(KEEP, "removal_costs", worth.low, 0.0, text)
    if worth.high <= limits.harmless:
        text = f"trained without it, {seen.loss} rises by at most {figure(worth.high)} <= {figure(limits.harmless)}"
        return _say(DROP, "removal_costs_nothing", worth.high, limits.harmless, text)
    return None


def _by_shuffling(seen: FeatureWorth, limits: ReviewLimits) -> Verdict:
    known = {version: found for version, found in seen.importance.items() if found is not None}
    for version, found in known.items():
        if found.low > limits.harmless:
            text = f"shuffled, it costs {version} at least {figure(found.low)} > {figure(limits.harmless)}"
            return _say(KEEP, "live_version_needs_it", found.low, limits.harmless, text)
    if len(known) < len(seen.importance):
        absent = sorted(set(seen.importance) - set(known))
        return _say(INCONCLUSIVE, "not_measured", None, None, f"{', '.join(absent)} could not be scored")
    version, most = max(known.items(), key=lambda item: item[1].high)
    if most.high <= limits.harmless and (seen.without is None or seen.without.value <= limits.harmless):
        text = f"shuffled, it costs {version} at most {figure(most.high)} <= {figure(limits.harmless)}"
        return _say(DROP, "nobody_needs_it", most.high, limits.harmless, text)
    text = f"shuffled, it costs {version} between {figure(most.low)} and {figure(most.high)}"
    if seen.without is not None:
        text += f"; trained without it, between {figure(seen.without.low)} and {figure(seen.without.high)}"
    return _say(INCONCLUSIVE, "undecided", most.high, limits.harmless, f"{text}; {figure(limits.harmless)} is harmless")


def _too_few(seen: FeatureWorth, limits: ReviewLimits) -> Verdict:
    if seen.days < limits.min_days:
        text = f"labels on {seen.days} recent days < {limits.min_days} needed"
        return _say(INCONCLUSIVE, "too_few_days", seen.days, limits.min_days, text)
    text = f"{seen.rows} recent labelled rows < {limits.min_rows} needed"
    return _say(INCONCLUSIVE, "too_few_rows", seen.rows, limits.min_rows, text)


def _say(name: str, code: str, observed: float | None, limit: float | None, text: str) -> Verdict:
    return Verdict(name, (Reason(code, observed, limit, text),))
