"""From stored days to what the judges look at: trailing skill, paired differences, a canary's faults."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate
from zoneinfo import ZoneInfo

from homeostat.control.days import Day, Trail
from homeostat.control.one_sided import one_sided
from homeostat.control.policies.base import Needs
from homeostat.control.policies.drift import OF_PREDICTIONS, window_of
from homeostat.control.policies.retrain import Retrain
from homeostat.control.policies.situation import DriftWindow, Look, Outlook, Situation, Trailing
from homeostat.control.quality import QualitySeen, confidence_of
from homeostat.control.rollouts import Canary, CanaryWindow
from homeostat.control.state import LoopState, Rollout
from homeostat.data.profiles import PREDICTION
from homeostat.kernel.clock import Instant, to_datetime
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.detectors import FALLBACK_LIMITS
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.performance import paired_difference
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import pooled
from homeostat.stats.intervals import Interval, block_mean_from_sums, in_units
from homeostat.stats.tasks import skill_over, task_of_sums

TRAIL_DAYS = 14
_ESTIMATED_AT = 0.95


def skill_of(sums: Sequence[Sums | None], *, confidence: float = 0.95) -> Interval | None:
    """Skill over some days, each a block; None where it is not defined."""
    return _defined(lambda: skill_over([s for s in sums if s is not None], confidence=confidence))


def situation_of(
    policy: Retrain,
    state: LoopState,
    days: Sequence[Day],
    promise: Interval | None,
    now: Instant,
    *,
    timezone: str = "UTC",
    outlook: Outlook | None = None,
    learnt: int | None = None,
) -> Situation:
    """What the policy may look at, and no more than it needs: of the champion, since the last retraining was asked for.

    ``days`` oldest first, as they were known at ``now``; ``outlook`` is needed where money is looked at, and
    ``learnt``, the rows that the champion learnt from, where growth is.
    """
    needs, champion, since = policy.needs, state.route.champion or "", state.retrained_at or 0
    recent = days[bisect_left(days, since, key=lambda day: day.start) :]
    return Situation(
        now=now,
        local=_local(now, timezone),
        champion=champion,
        since=since,
        promise=promise,
        realised=_realised(recent, champion, needs, one_sided(days) if needs.trails else frozenset()),
        estimated=_estimated(recent, needs.estimated),
        labelled=_labelled(days, since, needs.labelled),
        drift=_drift(recent, champion, needs),
        outlook=outlook if needs.outlook else None,
        trainings=_trainings(state, now, timezone),
        asked=state.asked,
        learnt=learnt if needs.labelled else None,
    )


def promised(told: Mapping[str, float | str]) -> Interval | None:
    """The skill that a version promised, as its manifest tells it; None where it could not be measured."""
    if "skill" not in told:
        return None
    names = ("skill", "skill_low", "skill_high", "days", "rows", "confidence")
    value, low, high, blocks, rows, confidence = (float(told[name]) for name in names)
    return Interval(value, low, high, int(blocks), int(rows), confidence)


def _realised(recent: Sequence[Day], champion: str, needs: Needs, apart: frozenset[str]) -> tuple[Trailing, ...]:
    """Without the days ``apart``, whose labels are broken: skill is over a base rate, and they have none."""
    known = [day for day in recent if day.day not in apart]
    seen = [(day.day, found) for day in known if (found := day.sums_of(champion)) is not None]
    sums = [one for _, one in seen]
    told = []
    for (trail, confidence), windows in needs.trails.items():
        ends = range(max(0, len(seen) - windows), len(seen))
        looks = tuple(Look(seen[end][0], _full(sums, end + 1, trail, confidence)) for end in ends)
        told.append(Trailing(trail, confidence, looks))
    return tuple(told)


def _full(sums: Sequence[Sums], end: int, days: int, confidence: float) -> Interval | None:
    """Skill over ``days`` up to ``end``; None when there are fewer: a half-filled trail is no look."""
    return skill_of(sums[end - days : end], confidence=confidence) if end >= days else None


def _estimated(recent: Sequence[Day], windows: int) -> tuple[Look, ...] | None:
    """Skills that were expected before labels, over full trails since the last retraining; None where none was."""
    told = [(day, place, made) for place, day in enumerate(recent) if (made := day.inputs.estimated) is not None]
    if not told or not windows:
        return None
    return tuple(Look(day.day, _expected(day, made, place + 1)) for day, place, made in told[-windows:])


def _expected(day: Day, made: EstimatedDay, days: int) -> Interval | None:
    skill = made.trail.get("skill")
    if days < TRAIL_DAYS or skill is None or skill.known is None or skill.low is None or skill.high is None:
        return None
    return Interval(skill.known, skill.low, skill.high, TRAIL_DAYS, made.counted or day.inputs.rows, _ESTIMATED_AT)


def _labelled(days: Sequence[Day], since: Instant, windows: int) -> tuple[int, ...]:
    if not windows:
        return ()
    rows = [day.outcomes.labelled for day in days if day.outcomes is not None and day.mature_at > since]
    return tuple(accumulate(rows))[-windows:]


def _drift(recent: Sequence[Day], champion: str, needs: Needs) -> tuple[DriftWindow, ...]:
    """Days that were held against the champion's own reference, signal by signal."""
    found: list[DriftWindow] = []
    for (signal, span), windows in needs.drift.items():
        own = [day for day in recent if day.inputs.reference == champion][-windows:]
        found += [window for day in own if (window := _window(day, signal, span)) is not None]
    return tuple(found)


def _window(day: Day, signal: str, span: int) -> DriftWindow | None:
    """A signal with the limits of the day; of a day that was measured before limits were earned, customary ones."""
    inputs = day.inputs
    if inputs.drift:
        return window_of(day.day, signal, span, inputs.drift)
    old = {"psi": inputs.psi, "ks": inputs.ks, OF_PREDICTIONS: {PREDICTION: inputs.prediction_psi}}
    if span != 1 or signal not in old:
        return None
    limit = FALLBACK_LIMITS["ks" if signal == "ks" else "psi"]
    values = old[signal]
    return DriftWindow(signal, 1, day.day, values, dict.fromkeys(values, limit), dict.fromkeys(values, "customary"))


def _trainings(state: LoopState, now: Instant, timezone: str) -> int:
    """Trainings asked for in this month; a state that older code wrote remembers the last one."""
    known = state.trainings or ([] if state.retrained_at is None else [state.retrained_at])
    month = _local(now, timezone)[:7]
    return sum(_local(one, timezone)[:7] == month for one in known)


def _local(now: Instant, timezone: str) -> str:
    return to_datetime(now).astimezone(ZoneInfo(timezone)).replace(tzinfo=None).isoformat(timespec="minutes")


def canary_window(rollout: Rollout, days: Sequence[Day], limits: Canary, now: Instant) -> CanaryWindow:
    """What was seen of the candidate: faults at this step, outcomes of both versions since the rollout opened."""
    judged = [
        sums for day in days if day.start >= rollout.opened_at and (sums := day.sums_of(rollout.candidate)) is not None
    ]
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
        difference=_in_units(
            _defined(lambda: paired_difference(pairs, confidence=limits.look_confidence(rollout.looks))), judged
        ),
        loss=task_of_sums(judged).loss_name,
    )


def quality_of(state: LoopState, days: Sequence[Day], who: str, against: str) -> QualitySeen:
    """Both versions on the days since the champion came: what was seen before is what brought it."""
    champion = state.versions.get(state.route.champion or "")
    since = champion.since if champion else 0
    scored = [(day.sums_of(who), day.sums_of(against)) for day in days if day.start >= since]
    pairs = [(one, other) for one, other in scored if one and other and one.rows == other.rows]
    losses, rows = [one.loss - other.loss for one, other in pairs], [one.rows for one, _ in pairs]
    confidence = confidence_of(len(pairs))
    found = _defined(lambda: block_mean_from_sums(losses, rows, confidence=confidence))
    sums = [one for one, _ in pairs]
    return QualitySeen(who, against, len(pairs), _in_units(found, sums), task_of_sums(sums).loss_name)


def _in_units(found: Interval | None, sums: Sequence[Sums]) -> Interval | None:
    """A difference of losses per row as limits read it: numbers' as a share of what the best constant costs."""
    return found if found is None or not sums else in_units(found, pooled(sums).unit)


def trail_of(days: Sequence[Day], frozen: str | None) -> Trail | None:
    """Trailing figures up to the last of ``days``; None with too few days."""
    recent = [day for day in days if day.outcomes and day.outcomes.live.rows][-TRAIL_DAYS:]
    live = [day.outcomes.live for day in recent if day.outcomes]
    task, skill = task_of_sums(live), skill_of(live)
    ranked, surprised = "roc_auc" in task.figures, "log_loss" in task.figures
    auc = _defined(lambda: task.interval("roc_auc", live)) if ranked else None
    log_loss = _defined(lambda: task.interval("log_loss", live)) if surprised else None
    if skill is None:
        return None
    first = [sums for day in recent if (sums := day.sums_of(frozen))]
    own, old = pooled(live), pooled(first) if first and len(first) == len(recent) else None
    error = None if task.error is None else _defined(partial(task.interval, task.error, live))
    return Trail(
        days=len(recent),
        skill=skill.value,
        skill_low=skill.low,
        skill_high=skill.high,
        auc=None if auc is None else auc.value,
        auc_low=None if auc is None else auc.low,
        auc_high=None if auc is None else auc.high,
        log_loss=own.figure("log_loss") if surprised else None,
        frozen_skill=None if old is None else _value(old, "skill"),
        frozen_auc=_value(old, "roc_auc") if old and ranked else None,
        frozen_log_loss=old.figure("log_loss") if old and surprised else None,
        error=None if task.error is None else own.figure(task.error),
        frozen_error=old.figure(task.error) if old and task.error is not None else None,
        error_low=None if error is None else error.low,
        error_high=None if error is None else error.high,
        log_loss_low=None if log_loss is None else log_loss.low,
        log_loss_high=None if log_loss is None else log_loss.high,
    )


def _value(sums: Sums, name: str) -> float | None:
    try:
        return sums.figure(name)
    except NotEnoughData:
        return None


def _defined(measure: Callable[[], Interval]) -> Interval | None:
    try:
        return measure()
    except NotEnoughData:
        return None
