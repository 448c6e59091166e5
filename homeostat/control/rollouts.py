"""The stepwise move of traffic to a candidate, judged on errors and on paired outcomes of both versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeostat.kernel.clock import Duration, duration
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import ADVANCE, HOLD, PROMOTE, ROLL_BACK, Reason, Verdict, figure

if TYPE_CHECKING:
    from homeostat.stats.intervals import Interval


@dataclass(frozen=True, slots=True)
class Canary:
    """Limits of a canary rollout; times are event time, losses log-loss in nats per row.

    ``steps``: shares of traffic, the last one 1. ``hold``: least time at each step. ``max_hold``: after it at one
    step, an undecided candidate is taken back. ``margin``: the upper bound of candidate minus champion must lie
    below it to advance. ``min_days``: fewest days of matured outcomes. ``max_fault_rate``: share of the arm's
    requests that the champion had to answer.
    """

    steps: tuple[float, ...] = (0.05, 0.25, 0.5, 1.0)
    hold: str = "2d"
    max_hold: str = "14d"
    margin: float = 0.003
    min_days: int = 3
    max_fault_rate: float = 0.01
    confidence: float = 0.95

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip(self.steps, self.steps[1:], strict=False))
        if not self.steps or not rising or self.steps[0] <= 0 or self.steps[-1] != 1.0:
            raise InvalidInput(
                f"Canary steps {self.steps} do not lead to all traffic.",
                mend="Give rising shares above 0 that end in 1.0, such as (0.05, 0.25, 0.5, 1.0).",
            )
        if duration(self.hold) > duration(self.max_hold) or self.min_days < 3:
            raise InvalidInput(
                "A canary must hold no longer than max_hold and see at least 3 days.",
                mend="Give hold <= max_hold and min_days >= 3.",
            )

    @property
    def look_confidence(self) -> float:
        """Two-sided confidence of one look, so that all looks of a rollout together keep ``confidence``."""
        return 1 - (1 - self.confidence) / len(self.steps)


@dataclass(frozen=True, slots=True)
class CanaryWindow:
    """What was seen at one step: time spent there, the arm's requests and faults, and paired outcomes.

    ``difference`` is candidate minus champion on the same matured rows since the rollout opened.
    """

    step: int
    held: Duration
    requests: int
    faults: int
    difference: Interval | None


def judge_canary(seen: CanaryWindow, limits: Canary) -> Verdict:
    """Roll back on proof of harm or on time without proof, advance on proof of no harm, else hold."""
    harm = _harm(seen, limits)
    if harm:
        return Verdict(ROLL_BACK, (harm,))
    if seen.held < duration(limits.hold):
        text = f"held {_days(seen.held)} days < {limits.hold} at {_share(seen, limits)}"
        return Verdict(HOLD, (Reason("holding", _days(seen.held), limits.hold, text),))
    proven, reason = _proof(seen, limits)
    if proven:
        return Verdict(PROMOTE if seen.step == len(limits.steps) - 1 else ADVANCE, (reason,))
    if seen.held >= duration(limits.max_hold):
        text = f"undecided after {_days(seen.held)} days >= {limits.max_hold} at {_share(seen, limits)}"
        return Verdict(ROLL_BACK, (Reason("never_proven", _days(seen.held), limits.max_hold, text), reason))
    return Verdict(HOLD, (reason,))


def _harm(seen: CanaryWindow, limits: Canary) -> Reason | None:
    rate = seen.faults / seen.requests if seen.requests else 0.0
    if rate > limits.max_fault_rate:
        text = f"{seen.faults} of {seen.requests} requests failed: {figure(rate)} > {figure(limits.max_fault_rate)}"
        return Reason("arm_fails", rate, limits.max_fault_rate, text)
    if seen.difference is not None and seen.difference.blocks >= limits.min_days and seen.difference.low > 0:
        excess = figure(seen.difference.low)
        text = f"log-loss above the champion's by at least {excess} > 0, {_stands_on(seen.difference)}"
        return Reason("worse_than_champion", seen.difference.low, 0.0, text)
    return None


def _proof(seen: CanaryWindow, limits: Canary) -> tuple[bool, Reason]:
    if seen.difference is None or seen.difference.blocks < limits.min_days:
        days = 0 if seen.difference is None else seen.difference.blocks
        text = f"outcomes of {days} days < {limits.min_days} needed"
        return False, Reason("too_few_days", days, limits.min_days, text)
    high, on = seen.difference.high, _stands_on(seen.difference)
    if high < limits.margin:
        text = f"log-loss minus the champion's at most {figure(high)} < {figure(limits.margin)}, {on}"
        return True, Reason("no_worse_than_champion", high, limits.margin, text)
    text = f"log-loss minus the champion's may be {figure(high)} >= {figure(limits.margin)}, {on}"
    return False, Reason("not_yet_proven", high, limits.margin, text)


def _stands_on(seen: Interval) -> str:
    return f"on {seen.rows} rows of {seen.blocks} days"


def _share(seen: CanaryWindow, limits: Canary) -> str:
    return f"{limits.steps[seen.step]:.0%}"


def _days(span: Duration) -> float:
    return round(span / duration("1d"), 1)
