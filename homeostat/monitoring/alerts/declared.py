"""What a loop says of its alerts: to whom, how soon they must be seen to, and from which limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from homeostat.data.checks import did_you_mean
from homeostat.kernel.clock import Duration, duration
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.alerts.rules import RULES, SEVERITIES, Severity, urgency

FALLBACK = "fallback"
"""The name of the address that is tried when another one fails."""
OFF = "off"
CLOCKS: Mapping[str, str] = MappingProxyType({"P0": "15m", "P1": "1h", "P2": "1d", "P3": "7d"})


@dataclass(frozen=True, slots=True)
class Alerts:
    """How a loop alerts; every part has a default, so that nothing need be declared.

    ``to``: names of addresses by severity, such as ``{"P0": ["pager", "chat"], "P1": "chat"}``; what is not named goes
    nowhere but to the dashboard, the log and ``homeostat alerts``. Without it, P0 to P2 go to every address that is
    configured, and P3 to none. The addresses themselves are configured beside the loop file, never in it.
    ``acknowledge``: how soon somebody must have seen an alert, by severity; later it is sent again.
    ``severity``: another severity for a rule, or ``"off"``.
    Limits, in shares: ``quarantined`` of a day's rows, ``missing`` more than in training, ``skewed`` of recomputed
    rows, ``failed`` of a day's requests, ``labels`` of the usual labelled share; ``calibration`` between the mean
    prediction and the base rate; ``drift`` for PSI on days without limits of their own
    (``hs.DriftLimits`` makes those).
    Raises: InvalidInput that names the part.

    >>> Alerts(severity={"drift": "off"}).severity_of("drift") is None
    True
    >>> Alerts().recipients("P1", ["chat", "fallback"]), Alerts().recipients("P3", ["chat"])
    (('chat',), ())
    """

    to: Mapping[str, str | Sequence[str]] | None = None
    acknowledge: Mapping[str, str] = field(default_factory=dict)
    severity: Mapping[str, str] = field(default_factory=dict)
    quarantined: float = 0.05
    missing: float = 0.35
    skewed: float = 0.01
    calibration: float = 0.05
    labels: float = 0.5
    failed: float = 0.01
    drift: float = 0.2

    def __post_init__(self) -> None:
        for name in (*(self.to or {}), *self.acknowledge):
            _known(name, SEVERITIES, "a severity")
        for rule, severity in self.severity.items():
            _known(rule, RULES, "a rule")
            _known(severity, (*SEVERITIES, OFF), "a severity")
        for text in self.acknowledge.values():
            duration(text)
        shares = (self.quarantined, self.missing, self.skewed, self.calibration, self.labels, self.failed)
        if not all(0 < share <= 1 for share in shares) or not 0 < self.drift < math.inf:
            raise InvalidInput(
                "A limit of these alerts is no share.",
                mend="Give shares above 0 and up to 1, and a drift above 0, such as 0.2.",
            )

    def severity_of(self, rule: str) -> Severity | None:
        """How urgent a rule is here; None where it is off."""
        said = self.severity.get(rule, RULES[rule].severity)
        return next((one for one in SEVERITIES if one == said), None)

    def clock(self, severity: Severity) -> Duration:
        """How soon an alert must be acknowledged."""
        return duration(self.acknowledge.get(severity, CLOCKS[severity]))

    def recipients(self, severity: Severity, configured: Sequence[str]) -> tuple[str, ...]:
        """Names of configured addresses that an alert goes to."""
        if self.to is None:
            known = [name for name in configured if name != FALLBACK] or list(configured)
            return tuple(known) if urgency(severity) < urgency("P3") else ()
        return tuple(name for name in self.named(severity) if name in configured)

    def named(self, severity: str | None = None) -> tuple[str, ...]:
        """The addresses that are named for a severity, or for any."""
        chosen = [said for one, said in (self.to or {}).items() if severity in (None, one)]
        flat = [name for said in chosen for name in ([said] if isinstance(said, str) else said)]
        return tuple(dict.fromkeys(flat))


def _known(name: str, among: Sequence[str] | Mapping[str, object], what: str) -> None:
    if name not in among:
        raise InvalidInput(f"{name!r} is not {what} of alerts.", mend=did_you_mean(name, list(among)), name=name)
