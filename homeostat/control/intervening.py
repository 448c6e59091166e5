"""Whether a retraining that a policy asks for may begin, now that the cause is known."""

from __future__ import annotations

from homeostat.control.state import LoopState
from homeostat.control.transitions import Facts, draft_of
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import Instant
from homeostat.kernel.verdicts import ASK, HOLD, RETRAIN, Reason, Verdict
from homeostat.monitoring.diagnosis import ADVICE, Diagnosis

FORBIDDING = frozenset({"fix_data", "roll_back"})
"""Interventions that a retraining would undo, or spoil: it would learn from what is broken."""
BY_AGE = frozenset({"too_old", "first_version"})
"""Reasons that hold whatever the cause is: a first version, and the longest time without one."""
REFUSED = "retraining_refused"
ASKING = frozenset({RETRAIN, ASK})
"""Verdicts that want a retraining, now or once a person agrees."""


def judge_intervention(verdict: Verdict, diagnosis: Diagnosis) -> Verdict:
    """HOLD, quoting the diagnosis, where data are broken or skewed or a release is to blame; else the verdict as it is.

    What is unknown refuses nothing, and nothing refuses a retraining that age alone calls for.
    """
    if verdict.name not in ASKING or any(reason.code in BY_AGE for reason in verdict.reasons):
        return verdict
    if diagnosis.intervention not in FORBIDDING:
        return verdict
    text = f"{diagnosis.cause.replace('_', ' ')}: {diagnosis.because}. {ADVICE[diagnosis.intervention]}"
    asked = "; ".join(reason.text for reason in verdict.reasons)
    refused = Reason(REFUSED, diagnosis.cause, diagnosis.intervention, f"{text} It was asked for because {asked}")
    return Verdict(HOLD, (refused,))


def is_refusal(verdict: Verdict) -> bool:
    """Whether a diagnosis turned a retraining down."""
    return verdict.name == HOLD and any(reason.code == REFUSED for reason in verdict.reasons)


def refusal(state: LoopState, verdict: Verdict, now: Instant, facts: Facts) -> Draft:
    """What the ledger says of it: one entry for each cause since the last retraining, however long it lasts."""
    cause = next(str(reason.observed) for reason in verdict.reasons if reason.code == REFUSED)
    name = f"{state.loop}/refused/{state.retrained_at or 0}/{cause}"
    title = f"No retraining: {cause.replace('_', ' ')}"
    return draft_of(state, name, "hold", title, verdict, str(state.route.champion), now, facts)
