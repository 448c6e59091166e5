"""What is known of a loop whose predictions are acted on: by every label, and by those that no action has shaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homeostat.control.days import Day
from homeostat.data.feedback import Feedback
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.feedback import FeedbackDay, without_overlap
from homeostat.stats.doubly_robust import doubly_robust
from homeostat.stats.figures import FIGURES, figure_interval, figure_of, table_of
from homeostat.stats.intervals import Interval
from homeostat.stats.sums import ScoreSums, pooled

Json = dict[str, Any]
WHY: Mapping[str, str] = {
    "no_exploration": "nobody is left alone by chance: declare a share with hs.Feedback(explore=...)",
    "too_little_exploration": "too few were to be left alone over these days to stand for those that were acted on",
    "explored_without_labels": "none that was to be left alone has a label: is it acted on all the same?",
}


def feedback_of(declared: Feedback | None, days: Sequence[Day], threshold: float) -> Json | None:
    """Figures over some days with labels, naive and right, and what they stand on; None without a declaration."""
    if declared is None:
        return None
    kept = [day for day in days if day.outcomes and day.outcomes.feedback]
    told = [day.outcomes.feedback for day in kept if day.outcomes and day.outcomes.feedback]
    unknown = without_overlap(told) if told else "no_labels"
    region, labelled = sum(one.region for one in told), sum(one.exposed.rows for one in told)
    return {
        "acts": declared.acts,
        "explore": None if declared.one_in is None else 1 / declared.one_in,
        "days": len(told),
        "rows": sum(one.rows for one in told),
        "region": region,
        "explored": sum(one.explored for one in told),
        "explored_labelled": labelled,
        "left_out": sum(one.left_out for one in told),
        "effective_rows": _effective(told),
        "unknown": unknown,
        "why": _sentence(told, unknown),
        "figures": _figures(kept, told, unknown, threshold),
    }


def _effective(days: Sequence[FeedbackDay]) -> float | None:
    """Rows of equal weight that would be as good. Source: Kish (1965), Survey Sampling, section 11.7."""
    squares, own = sum(day.squares for day in days), sum(day.unexposed.rows for day in days)
    explored = sum(day.exposed.rows for day in days)
    if not squares or not own + explored:
        return None
    weight = own + sum(_stand_for(day) for day in days)
    return weight * weight / squares


def _stand_for(day: FeedbackDay) -> float:
    """How many rows the explored rows of a day with a label stand for."""
    return day.exposed.rows * (day.region / day.expected if day.expected else 0.0)


def _sentence(days: Sequence[FeedbackDay], unknown: str | None) -> str:
    if unknown == "no_labels":
        return "no labels are in yet"
    region = sum(day.region for day in days)
    if unknown is not None:
        return WHY[unknown]
    if not region:
        return "nothing was acted on in these days: every label counts"
    left_out, explored = sum(day.left_out for day in days), sum(day.exposed.rows for day in days)
    made = f", and takes {left_out:,} for truth that it may have made" if left_out else ""
    return (
        f"the naive figure lacks labels that the action kept away{made};"
        f" the weighted one stands on none of these, and lets {explored:,} that were left alone by chance stand for all"
        f" {region:,}"
    )


def _figures(days: Sequence[Day], told: Sequence[FeedbackDay], unknown: str | None, threshold: float) -> Json:
    live = [day.outcomes.live for day in days if day.outcomes]
    robust = _robust(days, threshold) if unknown is None else {}
    why = unknown or "undefined"
    return {
        name: {
            "naive": shown(_figure(name, [one.naive for one in told], threshold), "undefined"),
            "weighted": shown(_figure(name, live, threshold) if unknown is None else None, why),
            "doubly_robust": shown(robust.get(name), why),
        }
        for name in FIGURES
    }


def _robust(days: Sequence[Day], threshold: float) -> Mapping[str, Interval | None]:
    both = [
        (one.scores, day.outcomes.live)
        for day in days
        if (one := day.inputs.estimated) and day.outcomes and day.outcomes.live.rows
    ]
    try:
        return doubly_robust([scores for scores, _ in both], [live for _, live in both], threshold=threshold)
    except NotEnoughData:
        return {}


def _figure(name: str, blocks: Sequence[ScoreSums], threshold: float) -> Interval | float | None:
    used = [block for block in blocks if block.rows]
    try:
        return figure_interval(name, used, threshold=threshold)
    except NotEnoughData:
        pass
    try:
        return figure_of(name, table_of(pooled(used)), threshold=threshold)
    except NotEnoughData:
        return None


def shown(one: Interval | float | None, why: str) -> Json:
    """A figure as JSON: null and the reason where it is unknown."""
    if one is None:
        return {"value": None, "low": None, "high": None, "unknown": why}
    if isinstance(one, float):
        return {"value": one, "low": None, "high": None, "unknown": None}
    return {"value": one.value, "low": one.low, "high": one.high, "unknown": None}
