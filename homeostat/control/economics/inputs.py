"""What only people know of a loop's money: declared on the loop, asked for where it is needed and not given."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

from homeostat.control.economics.costs import MonitoringBudget
from homeostat.control.economics.money import Money
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import InvalidInput

_DAY = 86_400_000_000
Amount = float | Money

ASKED: Mapping[str, str] = {
    "skill_value": "what one prediction is worth more with skill 1 than with skill 0",
    "false_positive": "what one false yes costs",
    "false_negative": "what one false no costs",
    "skewed_prediction": "what one prediction costs that was made from wrong features",
    "training_hour": "what the machine that trains costs an hour",
    "person_hour": "what an hour of people's work costs",
    "validation_hours": "hours that people spend to validate one retraining",
    "deployment_hours": "hours that people spend to release one retraining",
    "bad_release": "what a release costs that has to be taken back",
    "replica_hour": "what one replica costs an hour",
    "monitoring_month": "what monitoring costs a month",
    "failures_per_year": "how often a year something fails without a sound",
    "failure_drop": "how much skill such a failure takes away, from 0 to 1",
    "noticed_after": "how long such a failure lasts where nobody watches, such as '28d'",
    "manual_hours_per_week": "hours a week that the loop's work took, or would take, by hand",
    "setup_hours": "hours that it took to set the loop up",
    "running_year": "what running the loop costs a year, people and machines",
}
"""Every input and what it is, in the words in which it is asked for."""
_MONEY = ("skill_value", "false_positive", "false_negative", "skewed_prediction", "training_hour", "person_hour")
AMOUNTS = (*_MONEY, "bad_release", "replica_hour", "monitoring_month", "running_year")
"""Those that are amounts of money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics:
    """What errors, work and machines cost, in one currency. What is left out stays unknown and is asked for.

    ``currency``: three letters of ISO 4217. Amounts are numbers in it, or ``hs.Money``.
    ``skill_value``: what one prediction is worth more with skill 1 than with skill 0, the base rate alone.
    ``false_positive``, ``false_negative``: what one false yes and one false no cost.
    ``skewed_prediction``: what one prediction costs that was made from wrong features.
    ``training_hour``: price of the machine that trains, an hour; the hours are measured.
    ``person_hour``: cost of people's work, an hour. ``validation_hours``, ``deployment_hours``: of one retraining.
    ``bad_release``: cost of a release that has to be taken back; how many are, is measured.
    ``replica_hour``: price of one replica, an hour.
    ``monitoring_month``: what monitoring costs a month: an amount, or ``hs.MonitoringBudget(...)``.
    ``failures_per_year``: failures without a sound; each takes away ``failure_drop`` of skill, and would last
    ``noticed_after`` (such as ``"28d"``) where nobody watches.
    ``manual_hours_per_week``: hours that the loop's work takes by hand; ``setup_hours``: hours that it took to set up.
    ``running_year``: what running the loop costs a year.
    Raises: InvalidInput for an amount below 0, NaN, or in another currency.
    """

    currency: str
    skill_value: Amount | None = None
    false_positive: Amount | None = None
    false_negative: Amount | None = None
    skewed_prediction: Amount | None = None
    training_hour: Amount | None = None
    person_hour: Amount | None = None
    validation_hours: float | None = None
    deployment_hours: float | None = None
    bad_release: Amount | None = None
    replica_hour: Amount | None = None
    monitoring_month: Amount | MonitoringBudget | None = None
    failures_per_year: float | None = None
    failure_drop: float | None = None
    noticed_after: str | None = None
    manual_hours_per_week: float | None = None
    setup_hours: float | None = None
    running_year: Amount | None = None

    def __post_init__(self) -> None:
        Money(0, self.currency)
        for name in AMOUNTS:
            self._check_amount(name, getattr(self, name))
        for name in set(ASKED) - set(AMOUNTS) - {"noticed_after"}:
            _check_number(name, getattr(self, name))
        if self.failure_drop is not None and self.failure_drop > 1:
            raise InvalidInput(f"failure_drop {self.failure_drop} is more than all skill.", mend="Give at most 1.")
        _ = None if self.noticed_after is None else duration(self.noticed_after)

    def get(self, name: str) -> float | None:
        """An input as a plain number, durations in days; None where it was not given."""
        value = getattr(self, name)
        if isinstance(value, MonitoringBudget):
            return value.month
        if isinstance(value, str):
            return duration(value) / _DAY
        return value.amount if isinstance(value, Money) else value

    @property
    def given(self) -> dict[str, float]:
        """Every input that was given, as plain numbers."""
        return {name: value for name in ASKED if (value := self.get(name)) is not None}

    def beside(self, **others: float | None) -> Economics:
        """The same with some inputs replaced; None leaves one as it is."""
        return dataclasses.replace(self, **{name: value for name, value in others.items() if value is not None})  # type: ignore[arg-type]

    def _check_amount(self, name: str, value: object) -> None:
        if isinstance(value, Money):
            _ = value + Money(0, self.currency)
            _check_number(name, value.amount)
        elif not isinstance(value, MonitoringBudget) or name != "monitoring_month":
            _check_number(name, value)


def _check_number(name: str, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise InvalidInput(
            f"{name}={value!r} is no number of at least 0.",
            mend=f"Give {ASKED[name]}, or leave it out where it is not known.",
            name=name,
        )
