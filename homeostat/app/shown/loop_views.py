"""What people are shown of a loop and its days, as JSON values; the dashboard and the commands show the same."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from homeostat.app.shown.drift_views import furthest_by_span
from homeostat.control.days import Day
from homeostat.control.gates import Gate
from homeostat.control.loop import Loop
from homeostat.control.policies.judging import standing_question
from homeostat.control.policies.retrain import Retrain
from homeostat.control.reading import canary_window
from homeostat.control.rehearsals import KIND, Drills, Rehearsed, late_by
from homeostat.control.state import LoopState, Question, Rollout
from homeostat.control.versioned_state import VersionedState
from homeostat.governance.audit import Entry
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant, duration, format_instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.skew import SkewDay, main_cause, skew_rate_or_none
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import ScoreSums
from homeostat.stats.tasks import task_of_sums

Json = dict[str, Any]
SKEW_DAYS = 7
"""Days over which the present skew is told: long enough for an interval over days, short enough to be news."""


_OF_SCORES = {"log_loss": "log_loss", "brier": "brier", "auc": "roc_auc", "skill": "skill"}


def window_of(day: Day, revision: int, frozen: str | None) -> Json:
    """One event day: inputs, outcomes once matured, and the trailing figures."""
    outcomes = day.outcomes
    first = day.sums_of(frozen)
    return {
        "day": day.day,
        "revision": revision,
        "rows": day.inputs.rows,
        "labelled": outcomes.labelled if outcomes else None,
        "unlabelled": outcomes.unlabelled if outcomes else None,
        "late": outcomes.late if outcomes else None,
        "base_rate": _defined(lambda: outcomes.live.figure("base_rate"))
        if outcomes and isinstance(outcomes.live, ScoreSums)
        else None,
        "live": figures(outcomes.live) if outcomes else None,
        "frozen": figures(first) if first else None,
        "reference": day.inputs.reference,
        "drift": dict(day.inputs.psi),
        "ks": dict(day.inputs.ks),
        "prediction_psi": day.inputs.prediction_psi,
        "apart": furthest_by_span(day.inputs.drift) if day.inputs.drift else None,
        "violations": sum(day.inputs.quarantined.values()),
        "freshness": dict(day.inputs.freshness),
        "defaulted": dict(day.inputs.defaulted),
        "trail": plain(day.trail) if day.trail else None,
        "estimated": estimated_of(day),
        "skew": skew_of(day.skew) if day.skew else None,
    }


def estimated_of(day: Day) -> Json | None:
    """What the trail to a day is expected to show, while labels of the day are not in; null where that is unknown."""
    made = day.inputs.estimated
    if made is None or day.outcomes is not None:
        return None
    names = {"auc": "roc_auc", "skill": "skill", "log_loss": "log_loss"}
    if made.expected is not None:
        names["error"] = task_of_sums([made.expected]).error or ""
    told = {name: made.trail.get(figure) for name, figure in names.items()}
    figures = {name: one and {"value": one.known, "low": one.low, "high": one.high} for name, one in told.items()}
    return {"unlabelled": made.unlabelled, "days": made.days, **figures}


def skew_of(seen: SkewDay) -> Json:
    """What the recomputed rows of a day showed: every feature that differs, with its rate, bounds and cause."""
    features = [feature_skew(name, [seen]) for name, found in seen.differing.items() if found]
    return {"share": seen.share, "rows": seen.rows, "left_out": seen.left_out, "features": features}


def lately_skewed(days: Sequence[Day], features: Sequence[str]) -> Json:
    """The skew of every feature over the newest days that were looked at; rates are null where unknown."""
    seen = [day.skew for day in sorted(days, key=lambda day: day.start)[-SKEW_DAYS:] if day.skew is not None]
    told = [feature_skew(name, seen) for name in features]
    return {"days": len(seen), "rows": sum(day.rows for day in seen), "features": told}


def feature_skew(name: str, days: Sequence[SkewDay]) -> Json:
    """One feature's skew over some days; null where unknown."""
    rate, cause = skew_rate_or_none(name, days), main_cause(name, days)
    return {
        "feature": name,
        "rate": rate and rate.interval.value,
        "low": rate and rate.interval.low,
        "high": rate and rate.interval.high,
        "rows": rate.interval.rows if rate else 0,
        "differing": rate.differing if rate else 0,
        "basis": rate and rate.basis,
        "cause": cause and cause.name,
        "evidence": cause and cause.evidence,
    }


def figures(sums: Sums) -> Json | None:
    """Log-loss, AUC, Brier and skill of labelled rows, of other tasks all that they have; null where undefined."""
    if not sums.rows:
        return None
    names = _OF_SCORES if isinstance(sums, ScoreSums) else {name: name for name in task_of_sums([sums]).figures}
    return {shown: _defined(partial(sums.figure, name)) for shown, name in names.items()}


def state_of(state: LoopState, declared: VersionedState, progress: str) -> Json:
    """State that depends on the version: what is on its way back and how far, and a release that waits for it."""
    restoring, held = state.restoring, state.held
    moving = None if restoring is None else {**plain(restoring), "waits": restoring.flip is not None, "told": progress}
    if moving is not None and restoring is not None:
        moving |= {"asked_at": format_instant(restoring.asked_at), "since": format_instant(restoring.since)}
    waits = None if held is None else {**plain(held), "since": format_instant(held.since)}
    return {"first": declared.first, "keep": declared.keep, "restoring": moving, "held": waits}


def drills_of(state: LoopState, plan: Drills | None, entries: Sequence[Entry], now: Instant) -> Json:
    """The last rollback drill, when control does the next one by itself, and whether one is overdue."""
    drafts = [entry.draft for entry in entries]
    done = [one for one in drafts if one.kind == KIND][-1:]
    late = None
    if plan is not None and state.route.champion is not None:
        late = late_by(plan, Rehearsed.of(drafts), now)
    last = [
        {"at": format_instant(one.at), "title": one.title, "verdict": one.verdict, "reasons": list(one.reasons)}
        for one in done
    ]
    return {
        "every": plan and plan.every,
        "by_itself": plan and plan.at,
        "last": last[0] if last else None,
        "overdue_days": None if late is None else round(late / duration("1d"), 1),
    }


def freshness_of(days: Sequence[Day]) -> Json | None:
    """What missed its freshness objective at the end of the last day; None before one, or without objectives."""
    last = max(days, key=lambda day: day.start, default=None)
    if last is None or not last.inputs.freshness:
        return None
    found = last.inputs.freshness
    return {
        "day": last.day,
        "objectives": len(found),
        "missed": [name for name, met in found.items() if met is False],
        "unknown": [name for name, met in found.items() if met is None],
    }


def rollout_of(state: LoopState, loop: Loop, days: Sequence[Day], now: int) -> Json | None:
    """The open rollout: where it is, until when it holds, and what was seen so far."""
    rollout = state.rollout
    if rollout is None:
        return None
    limits = loop.rollout
    seen = canary_window(rollout, days, limits, now)
    return {
        "id": rollout.id,
        "candidate": rollout.candidate,
        "champion": rollout.champion,
        "steps": list(limits.steps),
        "step": rollout.step,
        "state": _state_of(rollout),
        "asked": None if rollout.asked is None else _asked_of(rollout.asked, rollout.candidate, limits.patience),
        "margin": limits.margin,
        "opened_at": format_instant(rollout.opened_at),
        "entered_at": format_instant(rollout.entered_at),
        "hold_until": format_instant(rollout.look_at),
        "looks": rollout.looks,
        "max_looks": limits.looks,
        "requests": seen.requests,
        "faults": seen.faults,
        "paired_difference": plain(seen.difference) if seen.difference else None,
    }


def _state_of(rollout: Rollout) -> str:
    if rollout.asked is None:
        return "holding"
    return "asking" if rollout.asked.answer is None else "approved"


def proposal_of(state: LoopState, policy: Retrain, now: Instant) -> Json | None:
    """What a person is asked about the next retraining, or has answered lately."""
    asked = standing_question(state.asked, now, policy)
    return None if asked is None else _asked_of(asked, "Homeostat", policy.patience)


def release_of(state: LoopState, gate: Gate) -> Json | None:
    """What a gate asks a person about a candidate that passed it, and who may not approve."""
    held = state.held
    if held is None or held.asked is None or gate.approval is None:
        return None
    return {**_asked_of(held.asked, held.version, gate.approval), "not_by": held.asked.not_by}


def questions_of(state: LoopState, loop: Loop, now: Instant) -> list[Json]:
    """Everything that waits for a person: by whom it is asked, and the question's id."""
    rollout = state.rollout
    asked = {
        "rollout": rollout and rollout.asked and _asked_of(rollout.asked, rollout.candidate, loop.rollout.patience),
        "retrain": proposal_of(state, loop.retrain, now),
        "release": release_of(state, loop.gate),
    }
    found = [{"loop": loop.name, "kind": kind, **one} for kind, one in asked.items() if one]
    return [one for one in found if one["answer"] is None]


def _asked_of(asked: Question, who: str, patience: str) -> Json:
    """What a person is asked: on which evidence, until when, and what was answered."""
    answer = asked.answer
    told = answer and {"actor": answer.actor, "reason": answer.reason, "approved": answer.approved}
    return {
        "question": asked.id,
        "may": f"{who} {asked.what}",
        "since": format_instant(asked.asked_at),
        "until": format_instant(asked.asked_at + duration(patience)),
        "reasons": list(asked.reasons),
        "answer": told,
    }


def _defined(measure: Any) -> float | None:
    try:
        return float(measure())
    except NotEnoughData:
        return None
