"""The policy of drift: so many inputs moved further than their limits allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from homeostat.control.policies.base import Needs, Policy, whole
from homeostat.control.policies.findings import Finding, decide, unknown
from homeostat.control.policies.situation import DriftWindow, Situation
from homeostat.data.checks import did_you_mean
from homeostat.data.profiles import PREDICTION
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import RETRAIN, Reason, figure
from homeostat.kernel.words import plural
from homeostat.monitoring.drifting import Drifted
from homeostat.stats.drift.window_distances import MEASURES

OF_PREDICTIONS = "prediction_psi"
SIGNALS = (*MEASURES, OF_PREDICTIONS)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Drift(Policy):
    """``features`` inputs, or more, drift above their limits in one window; inputs alone never prove a loss.

    ``signal``: ``"psi"``, ``"ks"``, ``"rank_shift"``, ``"rank_spread"``, ``"share_swing"`` or ``"missing_change"`` of
    each feature, or ``"prediction_psi"`` of the predictions. ``span``: the days of a window, one of those that
    ``hs.DriftLimits`` of the loop watches. The limits are not the policy's: they are earned on the champion's training
    days, and customary where these are few.

    >>> Drift(features=3).to_json()
    {'kind': 'drift', 'features': 3, 'signal': 'psi', 'span': 1}
    """

    features: int = 1
    signal: str = "psi"
    span: int = 1
    kind: ClassVar[str] = "drift"

    def __post_init__(self) -> None:
        whole(self.kind, "features", self.features, least=1)
        whole(self.kind, "span", self.span, least=1)
        if self.signal not in SIGNALS:
            raise InvalidInput(f"drift: no signal {self.signal!r}.", mend=did_you_mean(str(self.signal), SIGNALS))
        if self.signal == OF_PREDICTIONS and self.features != 1:
            raise InvalidInput("drift: predictions are one signal.", mend="Leave features out.")

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many days before the newest."""
        windows = seen.drifted(self.signal, self.span)
        if back >= len(windows):
            text = f"no {self.signal} of so early a day served by {seen.champion}, since the last retraining"
            return unknown(self.kind, "too_few_windows", text, self.features)
        window = windows[-1 - back]
        above = [name for name, value in window.values.items() if _above(window, name, value)]
        blind = sum(value is None or name not in window.limits for name, value in window.values.items())
        name = decide(self.features, len(above), blind if window.values else self.features)
        return Finding(self.kind, name, (self._reason(window, above, blind, name),))

    def _reason(self, window: DriftWindow, above: list[str], blind: int, name: str) -> Reason:
        ending = "in" if self.span == 1 else f"over {plural(self.span, 'day')} to"
        told = f"{self.signal} of {len(above)} of {len(window.values)} above the limit {ending} {window.day}"
        more = f"; {blind} unknown" if blind or not window.values else ""
        sign, code = (">=", "drifted") if name == RETRAIN else ("<", "little_drift")
        text = f"{told}{_named(window, above)}{more}: {len(above)} {sign} {self.features}"
        return Reason(code, len(above), self.features, text)

    def needs(self, windows: int = 1) -> Needs:
        """Drift of the last windows."""
        return Needs(drift={(self.signal, self.span): windows})


def window_of(day: str, signal: str, span: int, measured: Iterable[Drifted]) -> DriftWindow | None:
    """One signal of a day as it was measured; None where it was not."""
    measure = "psi" if signal == OF_PREDICTIONS else signal
    found = next((one for one in measured if (one.measure, one.span, one.season) == (measure, span, False)), None)
    if found is None:
        return None
    of = [name for name in found.values if (name == PREDICTION) == (signal == OF_PREDICTIONS)]
    values, limits, kinds = ({name: told[name] for name in of if name in told} for told in _told(found))
    return DriftWindow(signal, span, day, values, limits, kinds)  # type: ignore[arg-type]


def _told(found: Drifted) -> tuple[Mapping[str, object], ...]:
    return found.values, found.limits, found.kinds


def _above(window: DriftWindow, name: str, value: float | None) -> bool:
    return value is not None and name in window.limits and value > window.limits[name]


def _named(window: DriftWindow, above: list[str]) -> str:
    """The worst by name, each with both sides."""
    worst = sorted(above, key=lambda name: -(window.values[name] or 0.0) / max(window.limits[name], 1e-12))[:_SHOWN]
    told = [
        f"{name} {figure(window.values[name])} > {figure(window.limits[name])} {window.kinds.get(name, 'earned')}"
        for name in worst
    ]
    more = f" and {len(above) - _SHOWN} more" if len(above) > _SHOWN else ""
    return f" ({', '.join(told)}{more})" if told else ""
