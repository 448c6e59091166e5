"""The judge of retraining: the policy, and around it cool-down, budget, quiet hours and the person who is asked."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from homeostat.control.hours import within
from homeostat.control.policies.findings import Finding, decide, fires, holds, judged, unknown
from homeostat.control.policies.retrain import Budget, Retrain
from homeostat.control.policies.situation import Situation
from homeostat.control.policies.timing import days
from homeostat.control.state import Question
from homeostat.kernel.clock import duration
from homeostat.kernel.verdicts import ASK, HOLD, INCONCLUSIVE, RETRAIN, Reason, Verdict, figure
from homeostat.kernel.words import plural

SENTENCES = {
    RETRAIN: "It is time to retrain: {}.",
    ASK: "A person is asked whether to retrain: {}.",
    HOLD: "No retraining now: {}.",
    INCONCLUSIVE: "Whether to retrain cannot be told: {}.",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """A verdict with all that led to it: what the policy found, and what stood around it."""

    verdict: Verdict
    policy: Retrain
    seen: Situation
    found: Finding
    guards: tuple[Finding, ...]

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        return sentence(self.verdict.name, self.verdict.texts)

    def evidence(self) -> dict[str, Any]:
        """What the ledger keeps: every input, the policy and its version, and all findings."""
        return {
            "situation": self.seen.to_json(),
            "policy": self.policy.to_json(),
            "policy_version": self.policy.version,
            "judged": {
                **judged(self.verdict),
                "found": self.found.to_json(),
                "guards": [guard.to_json() for guard in self.guards],
            },
        }


def sentence(verdict: str, reasons: tuple[str, ...] | list[str]) -> str:
    """A verdict and its reasons in one sentence.

    >>> sentence("HOLD", ["retrained 3 days ago < 14d"])
    'No retraining now: retrained 3 days ago < 14d.'
    """
    return SENTENCES.get(verdict, f"{verdict}: {{}}.").format("; ".join(reasons))


def judge_retrain(seen: Situation, policy: Retrain) -> Verdict:
    """RETRAIN, ASK, HOLD or INCONCLUSIVE, from the situation alone."""
    return explain_retrain(seen, policy).verdict


def explain_retrain(seen: Situation, policy: Retrain) -> Explained:
    """The same verdict with every finding that led to it."""
    found = policy.when.judge(seen)
    asked = _standing(seen, policy)
    approved = asked is not None and asked.answer is not None and asked.answer.approved
    wanted = _approved(asked, found) if approved and asked is not None else found
    guards = tuple(guard for guard in _guards(seen, policy, wanted, approved=approved) if guard is not None)
    parts = (*guards, wanted)
    name = decide(len(parts), sum(one.name == RETRAIN for one in parts), sum(one.name == INCONCLUSIVE for one in parts))
    if name != RETRAIN:
        reasons = tuple(reason for one in parts if one.name == name for reason in one.reasons)
        verdict = Verdict(name, (*reasons, _otherwise(wanted)) if wanted.name == RETRAIN else reasons)
    elif approved or policy.ask == "never" or (policy.ask == "unless_emergency" and wanted.urgent):
        verdict = Verdict(RETRAIN, wanted.reasons)
    else:
        verdict = Verdict(ASK, wanted.reasons) if asked is None else _waiting(seen, policy, asked)
    return Explained(verdict, policy, seen, wanted, guards)


def standing_question(asked: Question | None, now: int, policy: Retrain) -> Question | None:
    """The question that still counts: one that was put, or answered, no longer ago than people's patience.

    After it the question is put anew, on the evidence of then.
    """
    if asked is None:
        return None
    at = asked.asked_at if asked.answer is None else asked.answer.at
    return asked if now - at < duration(policy.patience) else None


def _standing(seen: Situation, policy: Retrain) -> Question | None:
    return standing_question(seen.asked, seen.now, policy)


def _guards(seen: Situation, policy: Retrain, wanted: Finding, *, approved: bool) -> tuple[Finding | None, ...]:
    """What holds back: an emergency passes cool-down and quiet hours, a person's approval passes the cool-down."""
    return (
        None if approved or wanted.urgent else _cool_down(seen, policy.cool_down),
        None if wanted.urgent else _quiet(seen, policy.quiet),
        None if policy.budget is None else _budget(seen, policy.budget),
    )


def _cool_down(seen: Situation, limit: str | None) -> Finding | None:
    if limit is None:
        return None
    age = seen.now - seen.since
    text = f"retrained {days(age)} days ago"
    if age < duration(limit):
        return holds("cool_down", "cooling_down", days(age), limit, f"{text} < {limit}")
    return fires("cool_down", "cooled_down", days(age), limit, f"{text} >= {limit}")


def _quiet(seen: Situation, span: str | None) -> Finding | None:
    if span is None:
        return None
    clock = seen.local[11:]
    if within(span, clock):
        return holds("quiet", "quiet_hours", clock, span, f"{clock} local time is in the quiet hours {span}")
    return fires("quiet", "not_quiet", clock, span, f"{clock} local time is outside the quiet hours {span}")


def _budget(seen: Situation, budget: Budget) -> Finding:
    month, more = seen.local[:7], seen.trainings + 1
    if budget.trainings is not None and more > budget.trainings:
        text = f"{_counted(seen.trainings)} in {month}: one more would exceed {budget.trainings}"
        return holds("budget", "trainings_spent", seen.trainings, budget.trainings, text)
    if budget.money is None:
        text = f"{_counted(seen.trainings)} in {month}, and one more, <= {budget.trainings}"
        return fires("budget", "within_budget", seen.trainings, budget.trainings, text)
    outlook, limit, currency = seen.outlook, budget.money.amount, budget.money.currency
    if outlook is None or outlook.each is None or outlook.currency != currency:
        why = outlook.each_unknown if outlook and outlook.each is None else f"nothing is priced in {currency}"
        return unknown("budget", "price_unknown", f"what a retraining spends is unknown: {why}", limit)
    spent = more * outlook.each
    text = f"{_counted(more)} in {month}, the next one included, for {figure(spent)} {currency}"
    if spent > limit:
        return holds("budget", "money_spent", spent, limit, f"{text} > {figure(limit)}")
    return fires("budget", "within_budget", spent, limit, f"{text} <= {figure(limit)}")


def _counted(trainings: int) -> str:
    return plural(trainings, "training")


def _approved(asked: Question, found: Finding) -> Finding:
    """A person decided on what was shown when they were asked; the signals of today no longer matter."""
    assert asked.answer is not None
    by = asked.answer
    said = fires("ask", "approved", by.actor, None, f"approved by {by.actor}: {by.reason}")
    return dataclasses.replace(said, parts=(found,))


def _waiting(seen: Situation, policy: Retrain, asked: Question) -> Verdict:
    """A question stands open, or was answered by no."""
    if asked.answer is None:
        ago = days(seen.now - asked.asked_at)
        text = f"asked {ago} days ago whether to {asked.what}, and nobody answered yet"
        return Verdict(HOLD, (Reason("asked", ago, policy.patience, text),))
    ago = days(seen.now - asked.answer.at)
    text = f"refused by {asked.answer.actor} {ago} days ago: {asked.answer.reason}; asked again after {policy.patience}"
    return Verdict(HOLD, (Reason("refused", ago, policy.patience, text),))


def _otherwise(wanted: Finding) -> Reason:
    return Reason("otherwise", None, None, f"otherwise it would be time: {wanted.text}")
