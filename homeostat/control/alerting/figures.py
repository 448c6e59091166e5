"""Figures that stopped coming: what days were expected to show before their labels, and sums by declared slice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from homeostat.control.alerting.early import reading
from homeostat.control.days import Day
from homeostat.monitoring.alerts.readings import Reading
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.kept_slices import Slice
from homeostat.monitoring.signals import Unknown

MEASURABLE = 400
"""Rows of a day from which its figures are known wherever they can be."""
_USUAL = 7
_WAITING = frozenset({"no_rows", "too_few_matured_days", "one_class", "other_definitions", "scores_not_counted"})
"""Why there is no estimate though nothing is broken: labels that a loop does not have, or not yet."""
_UNREADABLE = "unreadable_scores"
_STRANGE = frozenset({"answers_never_seen", "inputs_never_seen", "undefined", _UNREADABLE})
"""Why there is none though there might be: rows or answers as none before. Any other reason is an error met."""
Lacks = Callable[[Day], str | None]
"""What of a day lacks, or why; None where nothing does."""


def estimate_readings(days: Sequence[Day]) -> Iterator[Reading]:
    """Read the last of ``days``: strange where days of the week before had an estimate, or where making it failed.

    Unknown, never strange, of a day of few rows and while a loop has too few labels.
    """
    day = days[-1]
    if day.inputs.estimated is None:
        return
    why = _no_estimate(day)
    if why is None:
        yield reading("stopped", "estimates", day, "within")
        return
    failed = why not in _WAITING | _STRANGE
    expected = failed or (why in _STRANGE and _usual(days, _no_estimate))
    if day.inputs.rows < MEASURABLE or not expected:
        yield reading("stopped", "estimates", day, "unknown")
        return
    since = _since([one for one in days if one.inputs.rows >= MEASURABLE], _no_estimate)
    text = f"no estimate before labels is known since {since.day} ({why.replace('_', ' ')})"
    yield reading("stopped", "estimates", day, "over", text)


def slice_beats(days: Sequence[Day], declared: Sequence[Slice]) -> Iterator[Reading]:
    """Read the last of ``days`` once it has labels: strange where a slice that is ``declared`` has no sums of it,
    though days of the week before had them. One that never had any is no signal that stopped."""
    day, labelled = days[-1], [one for one in days if one.outcomes is not None and one.outcomes.live.rows]
    if not declared or not labelled or labelled[-1] is not day:
        return
    gone = {of: _without(of) for of in declared if _without(of)(day)}
    stopped = {of: _since(labelled, lacks) for of, lacks in gone.items() if _usual(labelled, lacks)}
    if stopped:
        told = "; ".join(f"by {' x '.join(of)} since {since.day}" for of, since in stopped.items())
        yield reading("stopped", "slices", day, "over", f"labelled rows are not counted {told}")
        return
    once = any(lacks(one) is None for lacks in gone.values() for one in labelled)
    yield reading("stopped", "slices", day, "unknown" if once or len(gone) == len(declared) else "within")


def _no_estimate(day: Day) -> str | None:
    made = day.inputs.estimated
    if made is None:
        return "not_kept"
    told = [one.value for one in made.figures.values()]
    if any(not isinstance(one, Unknown) for one in told):
        return None
    if _unreadable(made):
        return _UNREADABLE
    return next((one.reason for one in told if isinstance(one, Unknown)), "undefined")


def _unreadable(made: EstimatedDay) -> bool:
    return made.unreadable > 0 and not made.counted


def _without(of: Slice) -> Lacks:
    def lacks(day: Day) -> str | None:
        kept = day.outcomes.slices if day.outcomes is not None else ()
        return None if any(one.of == of for one in kept) else "not_measured"

    return lacks


def _usual(days: Sequence[Day], lacks: Lacks) -> bool:
    """Whether any of the days of a week before the last lacked nothing."""
    return any(lacks(one) is None for one in days[-_USUAL - 1 : -1])


def _since(days: Sequence[Day], lacks: Lacks) -> Day:
    """The first of the days up to the last that all lack something."""
    since = days[-1]
    for one in reversed(days):
        if lacks(one) is None:
            break
        since = one
    return since
