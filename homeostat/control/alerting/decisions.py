"""The loop's own decisions and its state, as readings: what went wrong, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.control.policies.judging import standing_question
from homeostat.control.policies.retrain import Retrain
from homeostat.control.state import LoopState
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.verdicts import REJECT
from homeostat.monitoring.alerts.readings import Reading

_KINDS = {
    "fail": "training_failed",
    "reject": "candidate_left",
    "halt": "arm_stopped",
    "stand_down": "stands_down",
    "restore_failed": "state_not_restored",
}
_USUAL = Retrain()
_BY_LIMITS, _BY_POLICY = "limits", "policy"


def decision_readings(drafts: Sequence[Draft]) -> list[Reading]:
    """What each decision that somebody should hear of says; a person's own are none of these."""
    found = []
    for one in drafts:
        rule = _rule_of(one)
        if rule is not None:
            text = "; ".join((one.title, *one.reasons))
            day = format_instant(one.at)[:10]
            found.append(Reading(rule, one.version or one.loop, day, one.at, "over", text, key=one.id))
    return found


def _rule_of(one: Draft) -> str | None:
    if one.kind == "rollback":
        return {_BY_LIMITS: "taken_back", _BY_POLICY: "candidate_left"}.get(one.actor)
    if one.kind == "drill":
        return "drill_failed" if one.verdict == REJECT else None
    return _KINDS.get(one.kind)


def state_readings(
    state: LoopState,
    now: Instant,
    broken: Sequence[str] = (),
    untrusted: Sequence[str] = (),
    retrain: Retrain = _USUAL,
) -> list[Reading]:
    """What holds now: nobody serves, a limit is broken with nobody to take over, a version is not what was signed, one
    waits, a person is asked. ``retrain`` says for how long a question of the retraining policy stands."""
    proposed = standing_question(state.asked, now, retrain)
    asked = [(state.rollout.candidate, state.rollout.asked)] if state.rollout else []
    asked += [(state.held.version, state.held.asked)] if state.held else []
    asked += [("Homeostat", proposed)]
    waits = [f"may {who} {one.what}?" for who, one in asked if one is not None and one.answer is None]
    held = state.held if state.held is not None and state.held.asked is None else None
    nobody = state.first_version is not None and state.serving is None
    told = (
        ("nobody_serves", nobody, "no version can be fed with what the loop file defines"),
        ("limits_broken", bool(broken), "; ".join(broken)),
        ("untrusted", bool(untrusted), " ".join(untrusted)),
        ("held", held is not None, held.problem if held else ""),
        ("asks", bool(waits), "; ".join(waits)),
    )
    day = format_instant(now)[:10]
    return [
        Reading(rule, state.loop, day, now, "over" if over else "within", text if over else "")
        for rule, over, text in told
    ]
