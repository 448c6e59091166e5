"""Signals that stopped coming: a day without predictions, reports, labels or the figures it used to have, or no day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from homeostat.control.alerting.early import reading
from homeostat.control.alerting.figures import MEASURABLE, estimate_readings, slice_beats
from homeostat.control.days import Day, Outcomes
from homeostat.control.one_sided import one_sided
from homeostat.kernel.clock import Instant, duration, format_instant
from homeostat.kernel.verdicts import figure
from homeostat.kernel.words import plural
from homeostat.monitoring.alerts.readings import Reading, Said
from homeostat.monitoring.kept_slices import Slice
from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.sums import ScoreSums
from homeostat.stats.one_sided import only_label

_USUAL = 7
_TRAFFIC = 50
"""Rows of a usual day from which silence is strange."""
_LATE, _DUE = duration("36h"), duration("1d")


def heartbeat_readings(days: Sequence[Day], slices: Sequence[Slice] = ()) -> list[Reading]:
    """Read the last of ``days``, which are oldest first; ``slices`` are those that the loop declares."""
    early = (*_predictions(days), *_drift(days), *_skew(days), *estimate_readings(days), *_reports(days))
    return [*early, *_labels(days), *slice_beats(days, slices)]


def overdue(days: Sequence[Day], now: Instant) -> list[Reading]:
    """Whether every day that is over was measured, and every day's labels read once they were due."""
    if not days:
        return []
    last = days[-1]
    waiting = [day for day in days if day.outcomes is None and now - day.mature_at > _DUE]
    text = f"the last day that was measured is {last.day}, and the next one was due by {_minute(last.end + _LATE)}"
    late = f"labels of {waiting[0].day} were due by {_minute(waiting[0].mature_at + _DUE)}" if waiting else ""
    found = (("days", now - last.end > _LATE, text), ("outcomes", bool(waiting), late))
    return [
        Reading("not_measured", subject, last.day, now, "over" if over else "within", told if over else "")
        for subject, over, told in found
    ]


def _minute(instant: Instant) -> str:
    return f"{format_instant(instant)[:16].replace('T', ' ')} UTC"


def _predictions(days: Sequence[Day]) -> Iterator[Reading]:
    """Strange only where there were some on the days before and on that weekday: a shop may be closed on Sundays."""
    day = days[-1]
    before = [one.inputs.rows for one in days[-_USUAL - 1 : -1]]
    usual = sum(before) / len(before) if before else 0.0
    closed = len(before) == _USUAL and before[0] < _TRAFFIC
    if day.inputs.rows:
        yield reading("stopped", "predictions", day, "within")
    elif usual >= _TRAFFIC and not closed:
        text = f"nobody asked on {day.day}; the days before, {usual:,.0f} times a day"
        yield reading("stopped", "predictions", day, "over", text, severity="P1")


def _drift(days: Sequence[Day]) -> Iterator[Reading]:
    day = days[-1]
    measured = any(value is not None for value in day.inputs.psi.values())
    expected = day.inputs.reference is not None and day.inputs.rows >= MEASURABLE
    before = any(value is not None for one in days[:-1] for value in one.inputs.psi.values())
    text = f"no drift is known of {day.day}, with {plural(day.inputs.rows, 'row')}"
    yield reading("stopped", "drift", day, _beats(measured, expected and before), text)


def _skew(days: Sequence[Day]) -> Iterator[Reading]:
    day = days[-1]
    before = any(one.skew is not None and one.skew.rows for one in days[-_USUAL - 1 : -1])
    expected = before and day.skew is None and day.inputs.rows >= MEASURABLE
    text = f"no served row of {day.day} could be recomputed"
    yield reading("stopped", "skew", day, _beats(day.skew is not None, expected), text)


def _reports(days: Sequence[Day]) -> Iterator[Reading]:
    """Where callers report what they did: strange where they did of less than half of the usual share by the day's end.
    Those that report at night are not missed."""
    day = days[-1]
    if day.inputs.reported is None:
        return
    shares = [one.inputs.reported / one.inputs.rows for one in days[-_USUAL - 1 : -1] if one.inputs.reported]
    usual, share = median(shares) if shares else 0.0, day.inputs.reported / max(day.inputs.rows, 1)
    text = f"{share:.0%} of the answers of {day.day} were reported by its end, usually {usual:.0%}"
    came, expected = share > 0.0 and share >= usual / 2, bool(shares) and day.inputs.rows >= _TRAFFIC
    yield reading("stopped", "reports", day, _beats(came, expected), text)


def _labels(days: Sequence[Day]) -> Iterator[Reading]:
    """Labels that came and are all alike, where days before make that no chance, tell nothing either."""
    day = days[-1]
    if day.outcomes is None:
        return
    text = f"not one of {plural(day.outcomes.unlabelled, 'prediction')} of {day.day} got its label in time"
    expected, came = day.outcomes.unlabelled >= _TRAFFIC, day.outcomes.labelled > 0
    if came and day.day in one_sided(days):
        came, expected = False, True
        rows, alike = day.outcomes.live.rows, _what(day.outcomes)
        text = f"all {plural(rows, 'label')} of {day.day} are {alike}; by the weeks before, no chance"
    yield reading("stopped", "labels", day, _beats(came, expected), text, severity="P1")


def _what(outcomes: Outcomes) -> str:
    """What all are; of several classes the name is not kept."""
    label = only_label(outcomes.live)
    if label is None or isinstance(outcomes.live, ClassSums):
        return "of one class"
    return ("false", "true")[int(label)] if isinstance(outcomes.live, ScoreSums) else figure(label)


def _beats(came: bool, expected: bool) -> Said:
    if came:
        return "within"
    return "over" if expected else "unknown"
