"""The checks a candidate must pass before it may serve: better than nothing, and no worse than the champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeostat.kernel.clock import duration
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import ACCEPT, INCONCLUSIVE, REJECT, Reason, Verdict, figure
from homeostat.kernel.words import plural
from homeostat.stats.tasks import SUSPICIOUS, task_of

if TYPE_CHECKING:
    from homeostat.stats.intervals import Interval
    from homeostat.training.comparison import ServedComparison

MIN_SERVED = 30
"""With fewer served rows, a few of them decide everything."""
_NAMED = 8
_MEASURES = {"ks": "KS", "total_variation": "total variation"}


@dataclass(frozen=True, slots=True)
class Gate:
    """Limits of the gate, in log-loss (nats per row) on held-out rows, with one day as the block.

    Of predicted numbers, losses are shares of what the best constant costs, so that a margin of 0.01 is one percent.

    ``margin``: the upper bound of candidate minus champion must lie below it. ``min_skill``: the candidate's skill
    over the base rate must lie above it; for a first version, which no champion vouches for, its lower bound.
    ``min_days``: fewest days of held-out rows. Intervals are two-sided at ``confidence``.
    ``max_shift``: how far apart a feature may be as served over the time ``served`` before and as training computes
    it for those rows: the share of rows moved, KS for numbers and total variation for texts, from 0 to 1.
    ``max_skill``: a skill above it, where one feature tells the labels apart by itself, or two with each other, is too
    good to be true: the answer is among the features. It is inconclusive, or what whoever approves is told first.
    ``clean_tree``: only a candidate whose code a commit tells may serve; else a dirty tree is recorded whole.
    ``approval``: a candidate that passed waits so long, in event time, for a person other than the author of the code
    to approve it, and is turned away without; None asks nobody. ``author``: who that is; left out, the author of the
    loop file's last commit.
    """

    margin: float = 0.0
    min_skill: float = 0.0
    min_days: int = 5
    confidence: float = 0.95
    max_shift: float = 0.1
    served: str = "7d"
    max_skill: float = SUSPICIOUS
    clean_tree: bool = False
    approval: str | None = None
    author: str | None = None

    def __post_init__(self) -> None:
        if self.approval is not None:
            duration(self.approval)
        if not 0 < self.max_shift <= 1 or not duration(self.served):
            raise InvalidInput(
                f"A gate that lets features be {self.max_shift} apart over {self.served} checks nothing.",
                mend="Give max_shift above 0 and at most 1, such as 0.1, and a time such as served='7d'.",
            )
        if not SUSPICIOUS <= self.max_skill <= 1:
            raise InvalidInput(
                f"A skill above {self.max_skill} is nothing to be suspicious of.",
                mend=f"Give max_skill from {SUSPICIOUS} to 1; at 1 nothing is too good to be true.",
            )
        if self.min_days < 3 or not 0.5 < self.confidence < 1:
            raise InvalidInput(
                f"A gate of {self.min_days} days at confidence {self.confidence} proves nothing.",
                mend="Give min_days of at least 3 and a confidence between 0.5 and 1.",
            )

    @property
    def lets_worse_pass(self) -> float:
        """The share of candidates that are worse than the margin allows and pass by chance, at most."""
        return (1.0 - self.confidence) / 2.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """A candidate's held-out figures; ``difference`` is candidate minus champion, None without a champion.

    ``served`` compares its features with those that serving produces; None when it produced none to compare.
    ``telling`` features, or pairs as "a with b", tell the labels apart by themselves. ``believed`` is the skill of the
    champion.
    ``dirty``: whether its code differs from the commit of its tree; None where there is none. ``task`` is what the
    loop answers, as `stats.tasks.task_of` reads it.
    """

    candidate: str
    champion: str | None
    skill: Interval | None
    difference: Interval | None
    served: ServedComparison | None = None
    dirty: bool | None = False
    task: Mapping[str, Any] | None = None
    telling: tuple[str, ...] = ()
    believed: float = 0.0


def judge_gate(seen: Evidence, limits: Gate) -> Verdict:
    """Accept on proof, reject on proof of no use or on too weak a case; unknown is inconclusive."""
    checks = _by_itself(seen, limits)
    if seen.champion is not None:
        checks.append(_no_worse(seen, limits))
    if seen.served is not None:
        checks.append(_same_features(seen.served, limits))
    return _all(checks)


def judge_by_itself(seen: Evidence, limits: Gate) -> Verdict:
    """What the gate asks of a candidate, but how it compares with the champion and with what is served."""
    return _all(_by_itself(seen, limits))


def _by_itself(seen: Evidence, limits: Gate) -> list[tuple[str, Reason]]:
    checks = [_knows_something(seen, limits)]
    if seen.telling and seen.believed <= limits.max_skill:
        checks += _too_good(seen, limits)
    if limits.clean_tree:
        checks.append(_committed(seen))
    return checks


def _all(checks: list[tuple[str, Reason]]) -> Verdict:
    for name in (REJECT, INCONCLUSIVE):
        if any(verdict == name for verdict, _ in checks):
            return Verdict(name, tuple(reason for verdict, reason in checks if verdict == name))
    return Verdict(ACCEPT, tuple(reason for _, reason in checks))


def judge_served(seen: ServedComparison, limits: Gate) -> Verdict:
    """Whether features are the same as served and as trained on; what was served too seldom says nothing."""
    name, reason = _same_features(seen, limits)
    return Verdict(name, (reason,))


def _knows_something(seen: Evidence, limits: Gate) -> tuple[str, Reason]:
    if seen.skill is None or seen.skill.blocks < limits.min_days:
        return INCONCLUSIVE, _too_few("skill", seen.skill, limits)
    limit, constant = limits.min_skill, task_of(seen.task).constant
    bound, least = (seen.skill.low, "at least ") if seen.champion is None else (seen.skill.value, "")
    if bound > limit:
        text = f"skill over {constant} {least}{figure(bound)} > {figure(limit)}"
        return ACCEPT, Reason("better_than_base_rate", bound, limit, text)
    may = "may be " if seen.champion is None else ""
    text = f"skill over {constant} {may}{figure(bound)} <= {figure(limit)}"
    return REJECT, Reason("no_better_than_base_rate", bound, limit, text)


def _no_worse(seen: Evidence, limits: Gate) -> tuple[str, Reason]:
    if seen.difference is None or seen.difference.blocks < limits.min_days:
        return INCONCLUSIVE, _too_few("paired difference", seen.difference, limits)
    bound, limit = seen.difference.high, limits.margin
    quoted = f"{task_of(seen.task).loss_name} of {seen.candidate} minus {seen.champion}"
    if bound < limit:
        return ACCEPT, Reason(
            "proven_against_champion", bound, limit, f"{quoted} at most {figure(bound)} < {figure(limit)}"
        )
    text = f"{quoted} may be {figure(bound)} >= {figure(limit)}"
    return REJECT, Reason("not_proven_against_champion", bound, limit, text)


def _same_features(seen: ServedComparison, limits: Gate) -> tuple[str, Reason]:
    """What a model was trained on must be what it will be given: shown on the very rows served lately."""
    if seen.rows < MIN_SERVED:
        text = f"features compared on {seen.rows} served rows < {MIN_SERVED} needed"
        return INCONCLUSIVE, Reason("too_few_served_rows", seen.rows, MIN_SERVED, text)
    farthest, limit = max((one.value for one in seen.distances), default=0.0), limits.max_shift
    far = [
        f"{one.feature} ({_MEASURES[one.measure]} {figure(one.value)})" for one in seen.distances if one.value > limit
    ]
    if far:
        named = ", ".join(far[:_NAMED]) + (f" and {len(far) - _NAMED} more" if len(far) > _NAMED else "")
        text = (
            f"as served and as trained on, features diverge on the same {plural(seen.rows, 'row')}: {named} >"
            f" {figure(limit)}"
        )
        return REJECT, Reason("features_diverge", farthest, limit, text)
    text = f"features as served and as trained on are at most {figure(farthest)} <= {figure(limit)} apart"
    return ACCEPT, Reason("features_as_served", farthest, limit, f"{text} on {plural(seen.rows, 'row')}")


def _too_good(seen: Evidence, limits: Gate) -> list[tuple[str, Reason]]:
    """A person who is asked anyway may know better; without one, nobody does."""
    if seen.skill is None or seen.skill.value <= limits.max_skill:
        return []
    named = f"{', '.join(seen.telling[:_NAMED])} alone tells the labels apart"
    text = f"skill {figure(seen.skill.value)} > {figure(limits.max_skill)} is too good to be true: {named}"
    if limits.approval is not None:
        return [(ACCEPT, Reason("too_good_to_be_true", seen.skill.value, limits.max_skill, text))]
    text += "; if it is known in time, give the loop gate=hs.Gate(max_skill=1), or hs.Gate(approval='7d') to be asked"
    return [(INCONCLUSIVE, Reason("too_good_to_be_true", seen.skill.value, limits.max_skill, text))]


def _committed(seen: Evidence) -> tuple[str, Reason]:
    """What a commit does not tell cannot be reviewed."""
    if seen.dirty is None:
        return INCONCLUSIVE, Reason(
            "no_commit", 0, 0, f"no commit tells the code of {seen.candidate}: it is not under git"
        )
    if seen.dirty:
        return REJECT, Reason("dirty_tree", 1, 0, f"the code of {seen.candidate} differs from the commit of its tree")
    return ACCEPT, Reason("clean_tree", 0, 0, f"a commit tells the code of {seen.candidate}")


def _too_few(what: str, seen: Interval | None, limits: Gate) -> Reason:
    days = 0 if seen is None else seen.blocks
    return Reason(
        "too_few_days", days, limits.min_days, f"{what} stands on {plural(days, 'day')} < {limits.min_days} needed"
    )
