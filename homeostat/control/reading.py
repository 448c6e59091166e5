"""From stored days to what the judges look at: trailing skill, paired differences, a canary's faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from homeostat.control.days import Day, Trail
from homeostat.control.policies import Look, Record, Retrain
from homeostat.control.quality import QualitySeen, confidence_of
from homeostat.control.rollouts import Canary, CanaryWindow
from homeostat.control.state import LoopState, Rollout
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.performance import paired_difference
from homeostat.stats.intervals import Interval, block_mean_from_sums
from homeostat.stats.sums import ScoreSums, auc_interval, pooled, skill_interval

TRAIL_DAYS = 14


def skill_of(sums: Sequence[ScoreSums | None], *, confidence: float = 0.95) -> Interval | None:
    """Skill over some days, each a block; None where it is not defined."""
    return _defined(lambda: skill_interval([s for s in sums if s is not None], confidence=confidence))


def promised(told: Mapping[str, float | str]) -> Interval | None:
    """The skill that a version promised, as its manifest tells it; None where it could not be measured."""
    if "skill" not in told:
        return None
    names = ("skill", "skill_low", "skill_high", "days", "rows", "confidence")
    value, low, high, blocks, rows, confidence = (float(told[name]) for name in names)
    return Interval(value, low, high, int(blocks), int(rows), confidence)


def record_of(state: LoopState, days: Sequence[Day], promise: Interval | None, limits: Retrain, now: Instant) -> Record:
    """The champion's record since the last retraining was asked for; ``days`` oldest first."""
    champion = state.route.champion or ""
    since = state.retrained_at or 0
    seen = [day for day in days if day.start >= since and day.sums_of(champion) is not None]
    sums = [day.sums_of(champion) for day in seen]
    ends = range(max(0, len(seen) - limits.sustained), len(seen))
    looks = [Look(seen[end].day, _full(sums[: end + 1], limits.trail, limits.confidence)) for end in ends]
    return Record(now, champion, since, promise, looks, _full(sums, limits.emergency_trail, limits.confidence))


def _full(sums: Sequence[ScoreSums | None], days: int, confidence: float) -> Interval | None:
    """Skill over the last ``days``; None when there are fewer: a half-filled trail is no look."""
    return skill_of(sums[-days:], confidence=confidence) if len(sums) >= days else None


def canary_window(rollout: Rollout, days: Sequence[Day], limits: Canary, now: Instant) -> CanaryWindow:
    """What was seen of the candidate: faults at this step, outcomes of both versions since the rollout opened."""
    at_step = [day.inputs for day in days if day.end > rollout.entered_at]
    pairs = [
        pair
        for day in days
        if day.start >= rollout.opened_at and day.outcomes
        for pair in day.outcomes.paired
        if pair.first == rollout.candidate and pair.rows
    ]
    return CanaryWindow(
        step=rollout.step,
        held=now - rollout.entered_at,
        looks=rollout.looks,
        due=now >= rollout.look_at,
        requests=sum(inputs.asked.get(rollout.candidate, 0) for inputs in at_step),
        faults=sum(inputs.faults.get(rollout.candidate, 0) for inputs in at_step),
        asked=rollout.asked,
        waited=0 if rollout.asked is None else now - rollout.asked.asked_at,
        difference=_defined(lambda: paired_difference(pairs, confidence=limits.look_confidence(rollout.looks))),
    )


def quality_of(state: LoopState, days: Sequence[Day], who: str, against: str) -> QualitySeen:
    """Both versions on the days since the champion came: what was seen before is what brought it."""
    champion = state.versions.get(state.route.champion or "")
    since = champion.since if champion else 0
    scored = [(day.sums_of(who), day.sums_of(against)) for day in days if day.start >= since]
    pairs = [(one, other) for one, other in scored if one and other and one.rows == other.rows]
    losses, rows = [one.log_loss - other.log_loss for one, other in pairs], [one.rows for one, _ in pairs]
    confidence = confidence_of(len(pairs))
    found = _defined(lambda: block_mean_from_sums(losses, rows, confidence=confidence))
    return QualitySeen(who, against, len(pairs), found)


def trail_of(days: Sequence[Day], frozen: str | None) -> Trail | None:
    """Trailing figures up to the last of ``days``; None with too few days."""
    recent = [day for day in days if day.outcomes and day.outcomes.live.rows][-TRAIL_DAYS:]
    live = [day.outcomes.live for day in recent if day.outcomes]
    skill, auc = skill_of(live), _defined(lambda: auc_interval(live))
    if skill is None or auc is None:
        return None
    first = [sums for day in recent if (sums := day.sums_of(frozen))]
    whole = pooled(first) if len(first) == len(recent) else None
    return Trail(
        days=len(recent),
        skill=skill.value,
        skill_low=skill.low,
        skill_high=skill.high,
        auc=auc.value,
        auc_low=auc.low,
        auc_high=auc.high,
        log_loss=pooled(live).mean_log_loss(),
        frozen_skill=whole.skill() if whole else None,
        frozen_auc=whole.roc_auc() if whole else None,
        frozen_log_loss=whole.mean_log_loss() if whole else None,
    )


def _defined(measure: Callable[[], Interval]) -> Interval | None:
    try:
        return measure()
    except NotEnoughData:
        return None
