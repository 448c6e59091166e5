"""The policy of drift: so many inputs moved further than their limits allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from homeostat.control.policies.base import Needs, Policy, whole
from homeostat.control.policies.findings import Finding, decide, unknown
from homeostat.control.policies.situation import Drifted, Limit, Situation
from homeostat.data.checks import did_you_mean
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import RETRAIN, Reason, figure

FIXED: Mapping[str, float] = {"psi": 0.2, "ks": 0.1, "prediction_psi": 0.2}
"""Limits where no better ones are known; the names are those of the signals."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Drift(Policy):
    """``features`` inputs, or more, drift above their limits in one window; inputs alone never prove a loss.

    ``signal``: ``"psi"`` or ``"ks"`` of each feature, or ``"prediction_psi"`` of the predictions. The limits are not
    the policy's: they come with the situation, fixed ones (PSI 0.2, KS 0.1) where no others are known.

    >>> Drift(features=3).to_json()
    {'kind': 'drift', 'features': 3, 'signal': 'psi'}
    """

    features: int = 1
    signal: str = "psi"
    kind: ClassVar[str] = "drift"

    def __post_init__(self) -> None:
        whole(self.kind, "features", self.features, least=1)
        if self.signal not in FIXED:
            raise InvalidInput(f"drift: no signal {self.signal!r}.", mend=did_you_mean(str(self.signal), FIXED))
        if self.signal == "prediction_psi" and self.features != 1:
            raise InvalidInput("drift: predictions are one signal.", mend="Leave features out.")

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many days before the newest."""
        if back >= len(seen.drift):
            text = f"no window so early, of a day served by {seen.champion}, since the last retraining"
            return unknown(self.kind, "too_few_windows", text, self.features)
        window, limits = seen.drift[-1 - back], seen.limits.get(self.signal, {})
        values = window.values.get(self.signal, {})
        above = [(name, value, limits[name]) for name, value in values.items() if _above(value, limits.get(name))]
        blind = sum(value is None or name not in limits for name, value in values.items())
        name = decide(self.features, len(above), blind) if values else decide(1, 0, 1)
        sign = ">=" if name == RETRAIN else "<"
        told = f"{self.signal} of {len(above)} of {len(values)} above the limit in {window.day}{_named(above)}"
        text = f"{told}; {blind} unknown" if blind or not values else told
        code = "drifted" if name == RETRAIN else "little_drift"
        return Finding(self.kind, name, (Reason(code, len(above), self.features, f"{text} {sign} {self.features}"),))

    def needs(self, windows: int = 1) -> Needs:
        """Drift of the last windows."""
        return Needs(drift={self.signal: windows})


def limits_of(window: Drifted, known: Mapping[str, Mapping[str, Limit]]) -> dict[str, dict[str, Limit]]:
    """The limit of every feature of a window: the known one, else the fixed one of its signal."""
    return {
        signal: {name: known.get(signal, {}).get(name, Limit(FIXED[signal])) for name in values}
        for signal, values in window.values.items()
    }


def _above(value: float | None, limit: Limit | None) -> bool:
    return value is not None and limit is not None and value > limit.value


def _named(above: list[tuple[str, float | None, Limit]]) -> str:
    """The worst by name, each with both sides."""
    worst = sorted(above, key=lambda one: -(one[1] or 0.0))[:_SHOWN]
    told = [f"{name} {figure(value)} > {figure(limit.value)} ({limit.basis})" for name, value, limit in worst]
    more = f" and {len(above) - _SHOWN} more" if len(above) > _SHOWN else ""
    return f" ({', '.join(told)}{more})" if told else ""
