"""The stepwise move of traffic to a candidate, judged on errors and on paired outcomes of both versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from homeostat.kernel.clock import Duration, duration
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import ADVANCE, ASK, HOLD, PROMOTE, ROLL_BACK, Reason, Verdict, figure
from homeostat.kernel.words import plural
from homeostat.stats.looks.sequential import part_of_look

if TYPE_CHECKING:
    from homeostat.control.state import Question
    from homeostat.stats.intervals import Interval

Ask = Literal["never", "inconclusive", "always"]


@dataclass(frozen=True, slots=True)
class Canary:
    """Limits of a canary rollout; times are event time, losses log-loss in nats per row, or of predicted numbers shares
    of what the best constant costs.

    ``steps``: shares of traffic, the last one 1. ``holds``: time at each step before outcomes are looked at; while
    they do not suffice, they are looked at again after the same time. ``looks``: the most looks at one rollout;
    the bounds of each are wide enough for all of them, and after the last one an undecided candidate is taken
    back. ``margin``: the upper bound of candidate minus champion must lie below it to advance. ``min_days``:
    fewest days of matured outcomes. ``max_fault_rate``: share of the arm's rows that the champion had to answer,
    judged at any time after ``min_requests`` rows. ``ask``: when a person is asked. ``"inconclusive"``: after the
    last look, instead of taking an undecided candidate back; ``"always"``: also before the candidate takes all
    traffic (where it does from the start, before it becomes champion), however good the evidence. Meanwhile it keeps
    its share, goes on being judged, and is taken back when nobody has answered for ``patience``, in event time.
    """

    steps: tuple[float, ...] = (0.05, 0.25, 0.5, 1.0)
    holds: tuple[str, ...] = ("5d", "2d", "2d", "2d")
    looks: int = 8
    margin: float = 0.01
    min_days: int = 3
    max_fault_rate: float = 0.01
    min_requests: int = 20
    confidence: float = 0.95
    ask: Ask = "never"
    patience: str = "7d"

    def __post_init__(self) -> None:
        if self.ask not in get_args(Ask) or not duration(self.patience):
            raise InvalidInput(
                f"A rollout cannot ask {self.ask!r}.",
                mend=f"Give ask= one of {', '.join(get_args(Ask))}.",
                ask=self.ask,
            )
        rising = all(a < b for a, b in zip(self.steps, self.steps[1:], strict=False))
        if not self.steps or not rising or self.steps[0] <= 0 or self.steps[-1] != 1.0:
            raise InvalidInput(
                f"Canary steps {self.steps} do not lead to all traffic.",
                mend="Give rising shares above 0 that end in 1.0, such as (0.05, 0.25, 0.5, 1.0).",
            )
        if len(self.holds) != len(self.steps) or not all(duration(hold) for hold in self.holds):
            raise InvalidInput(
                f"{len(self.holds)} holds do not fit {len(self.steps)} canary steps.", mend="Give one hold per step."
            )
        if self.min_days < 3 or self.looks < len(self.steps):
            raise InvalidInput(
                "A canary must see at least 3 days and may look at least once per step.",
                mend="Give min_days >= 3 and looks >= the number of steps.",
            )

    def look_confidence(self, look: int) -> float:
        """Two-sided confidence of a look, counted from 0, so that each bound over all looks keeps ``confidence``.

        Equal parts (Bonferroni); where a person may be asked, the last part is shared by it and all looks after it.
        """
        part = (1 - self.confidence) / self.looks
        beyond = look - self.looks + 2
        return 1 - 2 * part * (part_of_look(beyond) if beyond > 0 and self.ask != "never" else 1)

    def asks_before(self, step: int) -> bool:
        """Whether nothing but a person lets a candidate leave this step."""
        return self.ask == "always" and step == max(len(self.steps) - 2, 0)


def blue_green(hold: str = "5d", **limits: Any) -> Canary:
    """A rollout in one step: every replica loads, warms and verifies the candidate, then it takes all traffic at once.

    The champion stays loaded and answers for it where it fails; ``hold`` is the time before its outcomes are looked
    at. ``limits`` are those of ``Canary``.

    >>> blue_green("2d").steps
    (1.0,)
    """
    return Canary(steps=(1.0,), holds=(hold,), **limits)


@dataclass(frozen=True, slots=True)
class CanaryWindow:
    """What was seen at one step: time spent there, the arm's rows and faults, and paired outcomes.

    ``looks`` were taken before; ``due`` says that it is time for one more. ``difference`` is candidate minus
    champion in ``loss`` on the same matured rows since the rollout opened. ``asked`` is what a person was
    asked at this step, ``waited`` how long ago.
    """

    step: int
    held: Duration
    looks: int
    due: bool
    requests: int
    faults: int
    difference: Interval | None
    asked: Question | None = None
    waited: Duration = 0
    loss: str = "log-loss"


def judge_canary(seen: CanaryWindow, limits: Canary) -> Verdict:
    """Roll back on faults at once; at a due look, on proof of harm or without proof after the last, else advance.

    Where a person decides, ask; what was answered counts only while there is no proof of harm.
    """
    bad = _faults(seen, limits) or (_harm(seen, limits) if seen.due else None)
    if bad:
        return Verdict(ROLL_BACK, (bad,))
    if seen.asked is not None:
        return _judge_asked(seen, seen.asked, limits)
    if not seen.due:
        text = f"held {_days(seen.held)} days < {limits.holds[seen.step]} at {_share(seen, limits)}"
        return Verdict(HOLD, (Reason("holding", _days(seen.held), limits.holds[seen.step], text),))
    proven, reason = _proof(seen, limits)
    if proven:
        return Verdict(ASK if limits.asks_before(seen.step) else _forward(seen, limits), (reason,))
    if seen.looks + 1 >= limits.looks:
        text = f"undecided after {seen.looks + 1} looks >= {limits.looks}, at {_share(seen, limits)}"
        spent = Reason("never_proven", seen.looks + 1, limits.looks, text)
        return Verdict(ROLL_BACK if limits.ask == "never" else ASK, (spent, reason))
    return Verdict(HOLD, (reason,))


def _judge_asked(seen: CanaryWindow, asked: Question, limits: Canary) -> Verdict:
    """Proof that came meanwhile makes the question needless, unless a person is asked whatever is proven."""
    if asked.answer is not None:
        by = asked.answer
        text = f"approved by {by.actor}: {by.reason}"
        return Verdict(_forward(seen, limits), (Reason("approved", by.actor, None, text),))
    proven, reason = _proof(seen, limits)
    if seen.due and proven and not limits.asks_before(seen.step):
        return Verdict(_forward(seen, limits), (reason,))
    waited = f"asked {_days(seen.waited)} days ago whether it may {asked.what}, and nobody answered"
    if seen.waited >= duration(limits.patience):
        text = f"{waited}: {_days(seen.waited)} days >= {limits.patience}"
        return Verdict(ROLL_BACK, (Reason("unanswered", _days(seen.waited), limits.patience, text),))
    return Verdict(HOLD, (Reason("asked", _days(seen.waited), limits.patience, f"{waited} yet"),))


def _forward(seen: CanaryWindow, limits: Canary) -> str:
    return PROMOTE if seen.step == len(limits.steps) - 1 else ADVANCE


def judge_followed(verdict: Verdict, lagging: Sequence[str]) -> Verdict:
    """No step forward while a replica does not serve the present one: what it would do with the next is unknown.

    >>> judge_followed(Verdict(ADVANCE, ()), ["replica r2 serves generation 3, not 4"]).name
    'HOLD'
    """
    if verdict.name not in (ADVANCE, PROMOTE) or not lagging:
        return verdict
    return Verdict(HOLD, tuple(Reason("not_followed", None, None, text) for text in lagging))


def _faults(seen: CanaryWindow, limits: Canary) -> Reason | None:
    if seen.requests < limits.min_requests:
        return None
    rate = seen.faults / seen.requests
    if rate <= limits.max_fault_rate:
        return None
    text = f"{seen.faults} of {plural(seen.requests, 'row')} failed: {figure(rate)} > {figure(limits.max_fault_rate)}"
    return Reason("arm_fails", rate, limits.max_fault_rate, text)


def _harm(seen: CanaryWindow, limits: Canary) -> Reason | None:
    if seen.difference is None or seen.difference.blocks < limits.min_days or seen.difference.low <= 0:
        return None
    excess = figure(seen.difference.low)
    text = f"{seen.loss} above the champion's by at least {excess} > 0, {_stands_on(seen.difference)}"
    return Reason("worse_than_champion", seen.difference.low, 0.0, text)


def _proof(seen: CanaryWindow, limits: Canary) -> tuple[bool, Reason]:
    if not seen.requests:
        return False, Reason("never_asked", 0, 1, "0 rows were given to the candidate at this step < 1 needed")
    if seen.difference is None or seen.difference.blocks < limits.min_days:
        days = 0 if seen.difference is None else seen.difference.blocks
        text = f"outcomes of {plural(days, 'day')} < {limits.min_days} needed"
        return False, Reason("too_few_days", days, limits.min_days, text)
    high, on = seen.difference.high, _stands_on(seen.difference)
    if high < limits.margin:
        text = f"{seen.loss} minus the champion's at most {figure(high)} < {figure(limits.margin)}, {on}"
        return True, Reason("no_worse_than_champion", high, limits.margin, text)
    text = f"{seen.loss} minus the champion's may be {figure(high)} >= {figure(limits.margin)}, {on}"
    return False, Reason("not_yet_proven", high, limits.margin, text)


def _stands_on(seen: Interval) -> str:
    return f"on {plural(seen.rows, 'row')} of {plural(seen.blocks, 'day')}"


def _share(seen: CanaryWindow, limits: Canary) -> str:
    return f"{limits.steps[seen.step]:.0%}"


def _days(span: Duration) -> float:
    return round(span / duration("1d"), 1)
