"""The policy of money: what age costs a day against what a day costs at the best rhythm of retraining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from homeostat.control.policies.base import Needs, Policy
from homeostat.control.policies.findings import Finding, fires, holds, unknown
from homeostat.control.policies.situation import Situation
from homeostat.kernel.verdicts import figure


@dataclass(frozen=True, slots=True)
class Economic(Policy):
    """Retraining now is expected to save more than it costs and risks.

    One more day loses what age costs a day by now; at the best interval, a day costs staleness and retraining with its
    risk together. Once the first reaches the second, times ``margin``, to wait is dearer than to retrain: for a loop
    that always retrains then, it is the interval of least cost. Prices are those of ``hs.Economics``, decay and risk
    are measured; where one lacks the policy is INCONCLUSIVE and names it.
    """

    margin: float = 1.0
    kind: ClassVar[str] = "economic"

    def __post_init__(self) -> None:
        self._keep_number("margin", low=0.0)

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many days ago, by today's decay and prices."""
        found = seen.outlook
        if found is None or found.unknown or back >= len(found.lost):
            why = (
                found.unknown if found else ""
            ) or "no prices are declared: give the loop economics=hs.Economics(...)"
            return unknown(self.kind, "costs_unknown", f"what retraining saves is unknown: {why}")
        lost = found.lost[-1 - back]
        if found.bearable is None:
            text = f"no interval of retraining pays: {found.basis}"
            return holds(self.kind, "never_pays", lost, None, text)
        limit = found.bearable * self.margin
        rhythm = f"what a day costs retraining every {figure(found.interval)} days"
        rhythm += "" if self.margin == 1.0 else f", times {figure(self.margin)}"
        quoted = f"{figure(limit)} {found.currency}, {rhythm}"
        text = f"age costs {figure(lost)} {found.currency} a day"
        if lost >= limit:
            return fires(self.kind, "pays", lost, limit, f"{text} >= {quoted}")
        return holds(self.kind, "does_not_pay_yet", lost, limit, f"{text} < {quoted}")

    def needs(self, windows: int = 1) -> Needs:
        """What age and retraining cost."""
        return Needs(outlook=windows)
