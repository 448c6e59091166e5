"""What is known of a loop whose predictions are acted on: by every label, and by those that no action has shaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.control.days import Day
from homeostat.control.performance.estimating import judged_of
from homeostat.data.feedback import Feedback
from homeostat.data.reports import WRONG
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.feedback import TOO_FEW, without_overlap
from homeostat.monitoring.kept_feedback import MOST_UNTOLD, FeedbackDay
from homeostat.stats.estimates.doubly_robust import doubly_robust, doubly_robust_classes
from homeostat.stats.estimates.parts import Foretold
from homeostat.stats.estimates.poststrata import post_stratified
from homeostat.stats.estimates.robust_numbers import robust_numbers
from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.number_sums import NumberSums
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import ScoreSums
from homeostat.stats.intervals import Interval
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task

Json = dict[str, Any]
WHY: Mapping[str, str] = {
    TOO_FEW: "of more than one in twenty answers of each day callers have not reported what they did, or not so that it"
    " can be: let them send a report of every answer, with its chance",
    "chances_too_small": "many that would be acted on are left alone with a chance of less than one in a thousand, or"
    " never: raise hs.Feedback(chance=...)",
    "no_exploration": "nobody is left alone by chance: declare a share with hs.Feedback(explore=...)",
    "too_little_exploration": "too few were to be left alone over these days to stand for those that were acted on",
    "explored_without_labels": "none that was to be left alone has a label: is it acted on all the same?",
}


def feedback_of(
    declared: Feedback | None,
    days: Sequence[Day],
    threshold: float,
    task: Task = BINARY,
    waiting: Sequence[Day] = (),
) -> Json | None:
    """Figures over some days with labels, naive and right, and what they stand on; None without a declaration.

    ``waiting`` are the days whose labels, and reports, are not all due.
    """
    if declared is None:
        return None
    kept = [day for day in days if day.outcomes and day.outcomes.feedback]
    told = [day.outcomes.feedback for day in kept if day.outcomes and day.outcomes.feedback]
    unknown = without_overlap(told) if told else "no_labels"
    region, labelled = sum(one.region for one in told), sum(one.exposed.rows for one in told)
    return {
        "acts": declared.acts,
        "explore": None if declared.one_in is None else 1 / declared.one_in,
        "chance": declared.chance,
        "drawn": declared.drawn,
        "reports": _reports(declared, told, waiting),
        "days": len(told),
        "rows": sum(one.rows for one in told),
        "region": region,
        "explored": sum(one.explored for one in told),
        "expected": sum(one.expected for one in told),
        "explored_labelled": labelled,
        "left_out": sum(one.left_out for one in told),
        "effective_rows": _effective([one for one in told if one.told]),
        "clipped": sum(one.clipped for one in told),
        "unknown": unknown,
        "why": _sentence(told, unknown),
        "figures": _figures(kept, told, unknown, Judge(task, threshold)),
    }


def _reports(declared: Feedback, told: Sequence[FeedbackDay], waiting: Sequence[Day]) -> Json | None:
    """What callers have reported; None where they do not."""
    if declared.reported is None:
        return None
    untold, rows = {name: sum(one.untold.get(name, 0) for one in told) for name in WRONG[1:]}, sum(d.rows for d in told)
    return {
        "table": declared.reported.name,
        **untold,
        "share": sum(untold.values()) / rows if rows else None,
        "limit": MOST_UNTOLD,
        "days_left_out": sum(not one.told for one in told),
        "corrected": sum(one.corrected for one in told),
        "never_predicted": sum(one.strangers for one in told),
        "waiting": {
            "rows": sum(day.inputs.rows for day in waiting),
            "reported": sum(day.inputs.reported or 0 for day in waiting),
        },
    }


def _effective(days: Sequence[FeedbackDay]) -> float | None:
    """Rows of equal weight that would be as good. Source: Kish (1965), Survey Sampling, section 11.7."""
    squares, own = sum(day.squares for day in days), sum(day.unexposed.rows for day in days)
    explored = sum(day.exposed.rows for day in days)
    if not squares or not own + explored:
        return None
    known = [day.weight for day in days if day.weight is not None]
    weight = sum(known) if len(known) == len(days) else own + sum(_stand_for(day) for day in days)
    return weight * weight / squares


def _stand_for(day: FeedbackDay) -> float:
    """How many rows the explored rows of a day with a label stand for, of a day that did not count it."""
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


@dataclass(frozen=True, slots=True)
class Judge:
    """What figures are taken by."""

    task: Task
    threshold: float

    def figure(self, name: str, blocks: Sequence[Sums]) -> Interval | float | None:
        """With bounds where there are days enough, else bare; None where it is undefined."""
        used = [block for block in blocks if block.rows]
        try:
            return self.task.interval(name, used, threshold=self.threshold)
        except NotEnoughData:
            pass
        try:
            return self.task.figure(name, used, threshold=self.threshold)
        except NotEnoughData:
            return None

    def robust(self, days: Sequence[Day]) -> Mapping[str, Interval | float | None]:
        """Figures put right by what scores, or predictions, are worth."""
        if isinstance(self.task, Regression):
            return _of_numbers(tuple(self.task.figures), days)
        classes = len(self.task.classes) if isinstance(self.task, Multiclass) else 0
        both = [
            (one.scores, live)
            for day in days
            if (one := day.inputs.estimated) is not None
            for live in judged_of([day], classes)
            if live.rows and one.classes == classes
        ]
        scores, lives = [one for one, _ in both], [live for _, live in both]
        try:
            if classes:
                return doubly_robust_classes(scores, [one for one in lives if isinstance(one, ClassSums)])
            scored = [one for one in lives if isinstance(one, ScoreSums)]
            return doubly_robust(scores, scored, threshold=self.threshold)
        except NotEnoughData:
            return {}


def _of_numbers(names: Sequence[str], days: Sequence[Day]) -> Mapping[str, Interval | None]:
    kept = [day.outcomes.feedback for day in days if day.outcomes and day.outcomes.feedback]
    used = [(one.unexposed, one.strata) for one in kept if isinstance(one.unexposed, NumberSums)]
    foretold = [
        (one.unexposed, one.foretold or Foretold.nothing(one.unexposed.level))
        for one in kept
        if isinstance(one.unexposed, NumberSums) and (one.foretold or not one.region)
    ]
    try:
        if len(foretold) == len(kept):
            return robust_numbers(names, foretold)
        return post_stratified(names, used)
    except NotEnoughData:
        return {}


def _figures(days: Sequence[Day], told: Sequence[FeedbackDay], unknown: str | None, judge: Judge) -> Json:
    live = [day.outcomes.live for day in days if day.outcomes]
    reported = [day for day in days if day.outcomes and day.outcomes.feedback and day.outcomes.feedback.told]
    robust = judge.robust(reported) if unknown is None else {}
    why = unknown or "undefined"
    return {
        name: {
            "naive": shown(judge.figure(name, [one.naive for one in told]), "undefined"),
            "weighted": shown(judge.figure(name, live) if unknown is None else None, why),
            "doubly_robust": shown(robust.get(name), why),
        }
        for name in judge.task.figures
    }


def shown(one: Interval | float | None, why: str) -> Json:
    """A figure as JSON: null and the reason where it is unknown."""
    if one is None:
        return {"value": None, "low": None, "high": None, "unknown": why}
    if isinstance(one, float):
        return {"value": one, "low": None, "high": None, "unknown": None}
    return {"value": one.value, "low": one.low, "high": one.high, "unknown": None}
