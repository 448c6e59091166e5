"""Policies of performance: against the promise, with labels and before them, and the limit that fires at once."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from homeostat.control.policies.base import Needs, Policy, whole
from homeostat.control.policies.findings import Finding, fires, holds, unknown
from homeostat.control.policies.situation import Look, Situation
from homeostat.kernel.verdicts import figure
from homeostat.kernel.words import plural

LEAST_DAYS = 3
"""With fewer days no interval is defined."""
_EMERGENCY_CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class Realised(Policy):
    """The champion's skill is proven to lie below what it promised, on outcomes.

    Skill is 1 - log-loss / entropy of the base rate: 0 knows nothing more than the base rate of the same days, so that
    a moving base rate is no loss of performance. ``tolerance``: skill below the promise that is still normal.
    ``trail``: days of matured outcomes per look, at least 3. ``confidence`` of the two-sided interval whose upper
    bound must lie below the promise. One look comes with each matured day.
    """

    tolerance: float = 0.02
    trail: int = 14
    confidence: float = 0.9
    kind: ClassVar[str] = "realised"

    def __post_init__(self) -> None:
        self._keep_number("tolerance")
        whole(self.kind, "trail", self.trail, least=LEAST_DAYS)
        self._keep_number("confidence", low=0.0, high=1.0)

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many matured days before the newest."""
        few = f"outcomes of fewer than {self.trail} days since the last retraining"
        return _below_promise(self.kind, seen, seen.looks(self.trail, self.confidence), back, self.tolerance, few)

    def needs(self, windows: int = 1) -> Needs:
        """Skill over the trail."""
        return Needs(trails={(self.trail, self.confidence): windows})


@dataclass(frozen=True, slots=True)
class Estimated(Policy):
    """The same before labels: the skill that calibrated scores let expect lies below the promise, its error included.

    ``tolerance``: skill below the promise that is still normal. INCONCLUSIVE where nothing estimates.
    """

    tolerance: float = 0.05
    kind: ClassVar[str] = "estimated"

    def __post_init__(self) -> None:
        self._keep_number("tolerance")

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many estimates before the newest."""
        if seen.estimated is None:
            return unknown(self.kind, "no_estimate", "performance is not estimated before labels")
        found = _below_promise(self.kind, seen, seen.estimated, back, self.tolerance, "no estimate of so early a day")
        return dataclasses.replace(
            found, reasons=tuple(dataclasses.replace(one, text=f"estimated {one.text}") for one in found.reasons)
        )

    def needs(self, windows: int = 1) -> Needs:
        """Estimates of the last windows."""
        return Needs(estimated=windows)


@dataclass(frozen=True, slots=True)
class Emergency(Policy):
    """Fires at once, also while cooling down and in quiet hours: skill over a few days is below ``below``.

    ``trail``: days of matured outcomes since the last retraining, at least 3.
    """

    below: float = -0.1
    trail: int = 3
    kind: ClassVar[str] = "emergency"

    def __post_init__(self) -> None:
        self._keep_number("below")
        whole(self.kind, "trail", self.trail, least=LEAST_DAYS)

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many matured days before the newest."""
        look = _look(seen.looks(self.trail, _EMERGENCY_CONFIDENCE), back)
        if look is None or look.skill is None:
            return unknown(self.kind, "too_few_days", f"skill over {self.trail} days is not known", self.below)
        value, limit = look.skill.value, figure(self.below)
        text = f"skill {figure(value)} over {plural(look.skill.blocks, 'day')}"
        if value < self.below:
            found = fires(self.kind, "emergency", value, self.below, f"{text} < emergency limit {limit}")
            return dataclasses.replace(found, urgent=True)
        return holds(self.kind, "no_emergency", value, self.below, f"{text} >= emergency limit {limit}")

    def needs(self, windows: int = 1) -> Needs:
        """Skill over the short trail."""
        return Needs(trails={(self.trail, _EMERGENCY_CONFIDENCE): windows})


def _below_promise(
    kind: str, seen: Situation, looks: tuple[Look, ...], back: int, tolerance: float, few: str
) -> Finding:
    if seen.promise is None:
        return unknown(kind, "no_promise", f"{seen.champion} made no promise to hold it to")
    look = _look(looks, back)
    if look is None or look.skill is None:
        return unknown(kind, "too_few_days", few)
    high, bound = look.skill.high, seen.promise.value - tolerance
    quoted = f"promised {figure(seen.promise.value)} - {figure(tolerance)}"
    if high < bound:
        return fires(kind, "lasting_loss", high, bound, f"skill at most {figure(high)} < {quoted}, to {look.day}")
    return holds(kind, "as_promised", high, bound, f"skill may be {figure(high)} >= {quoted}, to {look.day}")


def _look(looks: tuple[Look, ...], back: int) -> Look | None:
    return looks[-1 - back] if back < len(looks) else None
