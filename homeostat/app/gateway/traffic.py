"""What a loop answered over the last minutes: how much, how fast, how well, and by which arm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homeostat.app.control.doors import Seen
from homeostat.app.gateway.counted import PREDICTING, Added, Sample, together
from homeostat.app.gateway.latency import Histogram, budget_of
from homeostat.kernel.clock import format_instant
from homeostat.serving.routing import Arm, Route

Json = dict[str, Any]
Served = tuple[Arm, str]
NOW_SECONDS = 30.0
"""The last so many seconds are the present."""
_STOOD_IN = ("champion", "pinned")
"""Arms for which nobody stands in when they fail."""


@dataclass(slots=True)
class Traffic:
    """Requests and rows of one loop in some seconds. ``models`` is what each arm's version itself took."""

    seconds: float = 0.0
    requests: float = 0.0
    refused: float = 0.0
    failed: float = 0.0
    whole: Histogram = field(default_factory=Histogram)
    rows: dict[Served, float] = field(default_factory=lambda: defaultdict(float))
    positives: dict[Served, float] = field(default_factory=lambda: defaultdict(float))
    failures: dict[Served, float] = field(default_factory=lambda: defaultdict(float))
    models: dict[Served, Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    defaults: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @classmethod
    def of(cls, point: Added, loop: str) -> Traffic:
        """What was added for a loop; of a stretch of which nothing is known nothing, not even time."""
        found = cls(point.seconds if point.replicas else 0.0)
        for name, labels, value in point.samples():
            if labels.get("loop") == loop:
                found._count(name, labels, value)
        return found

    @property
    def fallbacks(self) -> float:
        """Rows that the champion answered for an arm that failed."""
        return sum(rows for (arm, _), rows in self.failures.items() if arm not in _STOOD_IN)

    def _count(self, name: str, labels: Mapping[str, str], value: float) -> None:
        served = labels.get("arm", ""), labels.get("version", "")
        if name == "homeostat_requests_total" and labels["door"] in PREDICTING:
            self.requests += value
            self.refused += value if labels["status"].startswith("4") else 0.0
            self.failed += value if labels["status"].startswith("5") else 0.0
        elif name == "homeostat_predict_seconds_bucket":
            self.whole.below[float(labels["le"])] += value
        elif name == "homeostat_stage_seconds_bucket" and labels["stage"] == "predict":
            self.models[served].below[float(labels["le"])] += value
        elif name == "homeostat_predictions_total":
            self.rows[served] += value
        elif name == "homeostat_positives_total":
            self.positives[served] += value
        elif name == "homeostat_arm_failures_total":
            self.failures[served] += value
        elif name == "homeostat_features_defaulted_total":
            self.defaults[labels["feature"]] += value


def traffic(seen: Seen, route: Route, hourly_price: float | None) -> Json:
    """The last minutes of a loop: point by point, arm by arm, and where the time went; null is unknown, never 0."""
    loop = route.loop
    points = [(point, Traffic.of(point, loop)) for point in seen.points]
    all_of_it = together(seen.points)
    whole = Traffic.of(all_of_it, loop)
    return {
        "known": seen.look is not None,
        "problem": seen.problem,
        "seen_at": None if seen.look is None else format_instant(seen.look.at),
        "replicas": [] if seen.look is None else sorted(seen.look.replicas),
        "seconds": whole.seconds,
        "now": _figures(Traffic.of(together(_present(seen)), loop)),
        "whole": _figures(whole),
        "points": [{"at": format_instant(point.at), **_figures(one)} for point, one in points],
        "arms": [_arm(served, share, whole, [one for _, one in points]) for served, share in _served(route, whole)],
        "shadows": _shadows(route, () if seen.look is None else seen.look.samples()),
        "budget": budget_of(all_of_it.samples(), loop, hourly_price),
        "fallbacks": int(whole.fallbacks) if whole.seconds else None,
        "defaults": {name: int(rows) for name, rows in sorted(whole.defaults.items(), key=lambda item: -item[1])},
        "spool_bytes": _spool(seen),
        "hourly_price": hourly_price,
    }


def shares_of(route: Route) -> dict[Served, float]:
    """The share of all units that meets each arm of a route, champion first; they add up to 1.

    >>> shares_of(Route("late", 1, "v1", canary="v2", share=0.25))
    {('champion', 'v1'): 0.75, ('canary', 'v2'): 0.25}
    """
    if route.champion is None:
        return {}
    shares, rest = {("champion", route.champion): 1.0}, 1.0
    if route.canary is not None:
        shares["canary", route.canary] = route.share
        rest -= route.share
    halted = 0.0
    for one in route.experiments:
        of = {arm: rest * one.share * arm.weight for arm in one.arms}
        shares |= {(f"{one.name}/{arm.name}", arm.version): of[arm] for arm in of if arm.version not in route.halted}
        halted += sum(share for arm, share in of.items() if arm.version in route.halted)
        rest *= 1.0 - one.share
    return {**shares, ("champion", route.champion): rest + halted}


def _present(seen: Seen) -> Sequence[Added]:
    """The newest stretches; none while the doors are away."""
    found: list[Added] = []
    for point in reversed(seen.points if seen.look else ()):
        if not point.replicas or sum(one.seconds for one in found) >= NOW_SECONDS:
            break
        found.append(point)
    return found


def _figures(found: Traffic) -> Json:
    known = found.seconds > 0
    p50, p99 = found.whole.quantile(0.5), found.whole.quantile(0.99)
    return {
        "requests": int(found.requests) if known else None,
        "requests_per_second": found.requests / found.seconds if known else None,
        "error_share": found.failed / found.requests if found.requests else None,
        "refused_share": found.refused / found.requests if found.requests else None,
        "p50_ms": None if p50 is None else p50 * 1e3,
        "p99_ms": None if p99 is None else p99 * 1e3,
    }


def _served(route: Route, whole: Traffic) -> list[tuple[Served, float | None]]:
    """The arms of the route, then those that only the last minutes knew; these have no share any more."""
    shares = shares_of(route)
    past = sorted((set(whole.rows) | set(whole.failures)) - set(shares))
    return [*shares.items(), *((served, None) for served in past)]


def _arm(served: Served, share: float | None, whole: Traffic, points: Sequence[Traffic]) -> Json:
    rows, failed, model = whole.rows.get(served, 0.0), whole.failures.get(served, 0.0), whole.models.get(served)
    p50, p99 = (None, None) if model is None else (model.quantile(0.5), model.quantile(0.99))
    known = whole.seconds > 0
    return {
        "arm": served[0],
        "version": served[1],
        "share": share,
        "rows": int(rows) if known else None,
        "rows_per_second": rows / whole.seconds if known else None,
        "failed": int(failed) if known else None,
        "failed_share": failed / (rows + failed) if rows + failed else None,
        "p50_ms": None if p50 is None else p50 * 1e3,
        "p99_ms": None if p99 is None else p99 * 1e3,
        "points": [one.rows.get(served, 0.0) / one.seconds if one.seconds else None for one in points],
    }


def _shadows(route: Route, samples: Iterable[Sample]) -> list[Json]:
    """What each shadow of the route did since its process started; null before it said anything."""
    told: dict[tuple[str, str], int] = defaultdict(int)
    for name, labels, value in samples:
        if name == "homeostat_shadow_rows" and labels["loop"] == route.loop:
            told[labels["version"], labels["outcome"]] += int(value)
    names = {"scored": "rows", "failed": "failed", "skipped": "dropped"}
    return [
        {
            "version": one.version,
            "share": one.share,
            **{name: told.get((one.version, outcome)) for name, outcome in names.items()},
        }
        for one in route.shadows
    ]


def _spool(seen: Seen) -> int | None:
    if seen.look is None:
        return None
    return int(sum(value for name, _, value in seen.look.samples() if name == "homeostat_spool_bytes"))
