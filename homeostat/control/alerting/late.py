"""Late signals of a day: what its labels said once they were mature."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import numpy as np

from homeostat.control.alerting.early import reading, said
from homeostat.control.alerting.gaps import gap_readings
from homeostat.control.alerting.slices import slice_readings
from homeostat.control.days import Day, Outcomes
from homeostat.control.policies.base import Policy
from homeostat.control.policies.outcomes import Emergency, Realised
from homeostat.control.policies.retrain import Retrain
from homeostat.control.policies.sustained import Sustained
from homeostat.control.reading import TRAIL_DAYS, situation_of
from homeostat.control.state import LoopState
from homeostat.kernel.errors import NotEnoughData
from homeostat.kernel.verdicts import HOLD, RETRAIN
from homeostat.kernel.words import plural
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.readings import Reading
from homeostat.monitoring.kept_feedback import MOST_UNTOLD
from homeostat.stats.figures.sums import SCORE_BINS, ScoreSums
from homeostat.stats.intervals import Interval, block_mean_from_sums

DEFAULT_LOSS = Emergency() | Sustained(Realised(), 3)
_USUAL_DAYS, _FEWEST_DAYS = 14, 5
_SCORES = np.sin((np.arange(SCORE_BINS) + 0.5) * (np.pi / 2 / SCORE_BINS)) ** 2


def late_readings(
    days: Sequence[Day],
    state: LoopState,
    limits: Alerts,
    retrain: Retrain,
    promise: Callable[[str], Interval | None],
) -> list[Reading]:
    """Read the last of ``days``, whose labels are in."""
    outcomes = days[-1].outcomes
    assert outcomes is not None
    found = [
        *_labels(days, outcomes, limits),
        *_reports(days[-1], outcomes),
        *_skill(days, state, retrain, promise),
        *_calibration(days, limits),
    ]
    return [*found, *slice_readings(days, found), *gap_readings(days)]


def _labels(days: Sequence[Day], outcomes: Outcomes, limits: Alerts) -> Iterator[Reading]:
    """The labelled share against that of the days before."""
    shares = [share for day in days[:-1] if (share := _labelled(day.outcomes)) is not None][-_USUAL_DAYS:]
    share = _labelled(outcomes)
    if share is None or len(shares) < _FEWEST_DAYS:
        yield reading("labels_missing", "labels", days[-1], "unknown")
        return
    usual = median(shares)
    limit = limits.labels * usual
    text = f"{share:.0%} of predictions of {days[-1].day} got their label in time, usually {usual:.0%}"
    over = "over" if share < limit else "within"
    yield reading("labels_missing", "labels", days[-1], over, text, (share, limit))  # type: ignore[arg-type]


def _reports(day: Day, outcomes: Outcomes) -> Iterator[Reading]:
    """Of how many answers nobody has said what became of them, where callers are to report it."""
    told, reported = outcomes.feedback, day.inputs.reported
    if told is None or reported is None or not told.rows:
        return
    share = sum(told.untold.values()) / told.rows
    text = f"{share:.0%} of the answers of {day.day} have no report of what callers did, or none that can be"
    yield reading("reports_missing", "reports", day, said(share, MOST_UNTOLD), text, (share, MOST_UNTOLD))


def _labelled(outcomes: Outcomes | None) -> float | None:
    if outcomes is None or not outcomes.labelled + outcomes.unlabelled:
        return None
    return outcomes.labelled / (outcomes.labelled + outcomes.unlabelled)


def _skill(
    days: Sequence[Day], state: LoopState, retrain: Retrain, promise: Callable[[str], Interval | None]
) -> Iterator[Reading]:
    """As the retraining policy judges it, but for all that holds a training back: a loss is one all the same.

    A retraining that was asked for because of it ends the policy's days, not the loss of who still serves.
    """
    champion, day = state.route.champion, days[-1]
    if champion is None:
        return
    policy, every = Retrain(when=lost_skill(retrain.when)), dataclasses.replace(state, retrained_at=None)
    found = policy.when.judge(situation_of(policy, every, days, promise(champion), day.mature_at))
    reason = found.reasons[0]
    seen = tuple(float(one) if isinstance(one, int | float) else None for one in (reason.observed, reason.limit))
    if found.name == RETRAIN:
        severity = "P1" if found.urgent else None
        yield reading("skill", "skill", day, "over", reason.text, (seen[0], seen[1]), severity)  # type: ignore[arg-type]
    else:
        yield reading("skill", "skill", day, "within" if found.name == HOLD else "unknown")


def lost_skill(when: Policy) -> Policy:
    """What a policy calls a loss on labels; what the default calls one where it looks at none.

    >>> from homeostat.control.policies.timing import Schedule
    >>> lost_skill(Schedule(at_latest="60d") | Realised(trail=7)).to_json()["trail"]
    7
    """
    found = _of_outcomes(when)
    policy = found[0] if found else DEFAULT_LOSS
    for other in found[1:]:
        policy = policy | other
    return policy


def _of_outcomes(policy: Policy) -> list[Policy]:
    if isinstance(policy, Realised | Emergency):
        return [policy]
    if isinstance(policy, Sustained):
        return [policy] if _of_outcomes(policy.policy) else []
    return [found for part in policy.parts for found in _of_outcomes(part)]


def _calibration(days: Sequence[Day], limits: Alerts) -> Iterator[Reading]:
    """Mean prediction minus base rate over the trail, as served; the bound nearer to 0 is held against the limit."""
    day = days[-1]
    sums = [one.outcomes.live for one in days if one.outcomes is not None and one.outcomes.live.rows][-TRAIL_DAYS:]
    scored = [one for one in sums if isinstance(one, ScoreSums)]
    found = None
    if len(scored) == TRAIL_DAYS:
        found = bias(scored)
    if found is None:
        yield reading("calibration", "probability", day, "unknown")
        return
    least = max(0.0, found.low, -found.high)
    way = "high" if found.value > 0 else "low"
    text = (
        f"predictions {abs(found.value):.3f} too {way} on average over {plural(len(sums), 'day')}, at least {least:.3f}"
    )
    over = said(least, limits.calibration)
    yield reading("calibration", "probability", day, over, text, (least, limits.calibration))


def bias(sums: Sequence[ScoreSums]) -> Interval | None:
    """Mean prediction minus base rate, each day a block; read off the scores' bins, which hides less than 0.002.

    >>> days = [ScoreSums.of([True] + [False] * 9, [0.4] * 10)] * 5
    >>> abs(bias(days).value - 0.3) < 0.002
    True
    """
    parts = [
        float(np.dot(np.add(one.negatives_by_score, one.positives_by_score), _SCORES)) - one.positives for one in sums
    ]
    try:
        return block_mean_from_sums(parts, [one.rows for one in sums])
    except NotEnoughData:
        return None
