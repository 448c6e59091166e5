"""What a loop says of retraining: when, what holds it back, whom to ask, and on which rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from homeostat.control.economics.money import Money
from homeostat.control.hours import hours
from homeostat.control.policies.base import Needs, Policy, policy_in, whole
from homeostat.control.policies.outcomes import Emergency, Realised
from homeostat.control.policies.sustained import Sustained
from homeostat.control.policies.timing import Growth, Schedule
from homeostat.data.checks import did_you_mean
from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.clock import duration
from homeostat.kernel.errors import InvalidInput

Ask = Literal["never", "unless_emergency", "always"]
DEFAULT = Emergency() | Sustained(Realised(), 3) | Growth() | Schedule(at_latest="60d")
"""Lost skill that lasts, an emergency, twice as much to learn from, or age; never input drift alone."""
_TRIGGER = ("when", "cool_down", "budget", "quiet", "ask", "patience")
"""The fields that decide when; the others are spans of rows."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that retraining may take in a calendar month of the loop's time zone: trainings, money, or both.

    Money is compared with what the month's trainings spent and one more would, at the prices of ``hs.Economics``.
    Raises: InvalidInput for neither, less than one training, or money below 0.

    >>> Budget(trainings=4).money is None
    True
    """

    trainings: int | None = None
    money: Money | None = None

    def __post_init__(self) -> None:
        if self.trainings is None and self.money is None:
            mend = "Give trainings=4, money=hs.Money(500, 'EUR'), or both; or leave the budget out."
            raise InvalidInput("A budget without a limit limits nothing.", mend=mend)
        if self.trainings is not None:
            whole("budget", "trainings", self.trainings, least=1)
        if self.money is not None and not isinstance(self.money, Money):
            raise InvalidInput(f"{self.money!r} is no money.", mend="Give hs.Money(500, 'EUR').")
        if self.money is not None:
            if self.money.amount < 0:
                raise InvalidInput(f"A budget of {self.money.amount} is below 0.", mend="Give an amount of at least 0.")
            object.__setattr__(self, "money", Money(float(self.money.amount), self.money.currency))


@dataclass(frozen=True, slots=True)
class Retrain:
    """When a loop retrains, and on which rows.

    ``when``: the policy, such as ``hs.Emergency() | hs.Sustained(hs.Realised(), 3) | hs.Schedule(at_latest="60d")``.
    ``cool_down``: least time between retrainings, None for none; an emergency does not wait for it.
    ``budget``: the most a month may hold, emergencies included. ``quiet``: hours of the day, in the loop's time zone,
    in which no retraining begins but in an emergency, such as ``"08:00-18:00"``. ``ask``: when a person is asked first:
    ``"never"``, ``"unless_emergency"`` or ``"always"``; a question stands for ``patience``, and so does a refusal.
    ``holdout``: span of newest matured rows kept for evaluation; ``first_holdout``: the same for a first version, which
    has less to spare. ``min_rows``: fewest rows to train a first version on. ``history``: how far back training
    reaches; all of it when None.
    Raises: InvalidInput for what contradicts itself.
    """

    when: Policy = DEFAULT
    cool_down: str | None = "14d"
    budget: Budget | None = None
    quiet: str | None = None
    ask: Ask = "never"
    patience: str = "7d"
    holdout: str = "7d"
    first_holdout: str = "7d"
    min_rows: int = 2_000
    history: str | None = None

    def __post_init__(self) -> None:
        policy_in("Retrain", self.when)
        for text in (self.cool_down, self.patience, self.holdout, self.first_holdout, self.history):
            _ = text is None or duration(text)
        if self.quiet is not None and hours(self.quiet) == (0, 24 * 60):
            mend = "Leave some hours to retrain in, such as quiet='06:00-22:00'."
            raise InvalidInput("Quiet hours of a whole day never end.", mend=mend)
        if self.budget is not None and not isinstance(self.budget, Budget):
            raise InvalidInput(f"{self.budget!r} is no budget.", mend="Give hs.Budget(trainings=4).")
        if self.ask not in get_args(Ask):
            mend = f"Give ask= one of {', '.join(get_args(Ask))}."
            raise InvalidInput(f"A retraining cannot ask {self.ask!r}.", mend=mend, ask=self.ask)
        whole("Retrain", "min_rows", self.min_rows, least=0)
        self._check_schedules()

    @property
    def needs(self) -> Needs:
        """What has to be read for it."""
        priced = self.budget is not None and self.budget.money is not None
        return self.when.needs() | Needs(outlook=int(priced))

    @property
    def version(self) -> str:
        """The hash of what decides when: the version of the policy that a decision is stored with."""
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """The canonical form of what decides when."""
        rest = {name: plain(getattr(self, name)) for name in _TRIGGER if name != "when"}
        return {"when": self.when.to_json(), **rest}

    @classmethod
    def from_json(cls, form: Mapping[str, Any], base: Retrain | None = None) -> Retrain:
        """Read ``to_json`` back; what is left out, and the spans of rows, are those of ``base``.

        Raises: InvalidInput for an unknown field and for what a policy refuses.
        """
        wrong = [name for name in form if name not in _TRIGGER]
        if wrong:
            raise InvalidInput(f"A retraining policy has no field {wrong[0]!r}.", mend=did_you_mean(wrong[0], _TRIGGER))
        read = {name: _read(name, value) for name, value in form.items()}
        return dataclasses.replace(base or cls(), **read)

    def _check_schedules(self) -> None:
        if self.when.floor:
            raise InvalidInput(
                "A schedule's floor alone never says when to retrain.",
                mend="Give at_latest=, or another policy & the floor.",
            )
        for one in self.when.walk():
            latest = one.at_latest if isinstance(one, Schedule) else None
            if latest is not None and self.cool_down is not None and duration(self.cool_down) > duration(latest):
                raise InvalidInput(
                    f"The cool-down of {self.cool_down} forbids what a schedule asks for after {latest} at the latest.",
                    mend="Give a shorter cool_down=, or a later at_latest=.",
                    cool_down=self.cool_down,
                    at_latest=latest,
                )


def _read(name: str, value: Any) -> Any:
    if name == "when":
        return Policy.from_json(value)
    if name != "budget" or value is None:
        return value
    if not isinstance(value, Mapping) or not set(value) <= {"trainings", "money"}:
        mend = 'Write {"trainings": 4, "money": {"amount": 500, "currency": "EUR"}}, or one of both.'
        raise InvalidInput(f"{value!r} is no budget.", mend=mend)
    money = value.get("money")
    if money is not None and (not isinstance(money, Mapping) or set(money) != {"amount", "currency"}):
        raise InvalidInput(f"{money!r} is no money.", mend='Write {"amount": 500, "currency": "EUR"}.')
    return Budget(value.get("trainings"), None if money is None else Money(**money))
