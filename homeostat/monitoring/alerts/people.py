"""What people do with an alert: see to it, end it, say whether it was worth anything; and what share of a rule was."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from homeostat.kernel.errors import Conflict, InvalidInput
from homeostat.monitoring.alerts.alerts import LOOP_ITSELF, Alert, Mark, over

NOISY = 0.2
ENOUGH = 10
"""A rule of which so many alerts were marked and less than a fifth acted on is called noise."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What became of the alerts of one rule. ``unmarked``: open ones, and those that nobody said anything of."""

    rule: str
    raised: int
    open: int
    acted_on: int
    not_acted_on: int

    @property
    def unmarked(self) -> int:
        """Alerts of which nobody said whether they were acted on."""
        return self.raised - self.acted_on - self.not_acted_on

    @property
    def share(self) -> float | None:
        """The share acted on of those that are marked; None without any: unknown is not 0."""
        marked = self.acted_on + self.not_acted_on
        return self.acted_on / marked if marked else None

    @property
    def noise(self) -> bool:
        """Whether hardly anybody ever acted on it."""
        marked = self.acted_on + self.not_acted_on
        return marked >= ENOUGH and self.share is not None and self.share < NOISY


def acknowledge(alert: Alert, mark: Mark) -> Alert:
    """Somebody has seen it: its clock stops. Raises: Conflict when it is over, or somebody was faster."""
    if alert.resolved is not None:
        raise Conflict(
            f"Alert {alert.id} is over: {alert.resolved.reason} ({alert.resolved.actor}).",
            mend="'homeostat alerts resolve ID --acted-on' or '--not-acted-on' says whether it was worth anything.",
            alert=alert.id,
        )
    if alert.acknowledged is not None:
        raise Conflict(
            f"{alert.acknowledged.actor} has acknowledged alert {alert.id} already.",
            mend="'homeostat alerts resolve' ends it.",
            alert=alert.id,
        )
    return dataclasses.replace(alert, acknowledged=mark, due=None)


def resolve(alert: Alert, mark: Mark, acted_on: bool) -> Alert:
    """Somebody ends it and says whether they acted on it; of one that ended by itself, only that is written down.

    Raises: InvalidInput without a reason, Conflict when somebody else has ended it.
    """
    if not mark.reason.strip():
        raise InvalidInput("An alert is not resolved without a reason.", mend="Say what came of it.", alert=alert.id)
    if alert.resolved is None:
        return over(alert, mark, acted_on)
    if alert.resolved.actor != LOOP_ITSELF:
        raise Conflict(
            f"{alert.resolved.actor} has resolved alert {alert.id} already: {alert.resolved.reason}.",
            mend="Look at it with 'homeostat alerts list --all'.",
            alert=alert.id,
        )
    return dataclasses.replace(alert, acknowledged=alert.acknowledged or mark, acted_on=acted_on)


def worth(alerts: Iterable[Alert]) -> dict[str, Worth]:
    """What became of the alerts of each rule that ever raised one.

    >>> worth([])
    {}
    """
    found: dict[str, Worth] = {}
    for one in alerts:
        known = found.get(one.rule, Worth(one.rule, 0, 0, 0, 0))
        found[one.rule] = Worth(
            one.rule,
            known.raised + 1,
            known.open + (one.resolved is None),
            known.acted_on + (one.acted_on is True),
            known.not_acted_on + (one.acted_on is False),
        )
    return found
