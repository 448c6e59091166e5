"""A search for a better config: which values there are, what was tried, and which was best; pure values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import InvalidInput
from homeostat.stats.figures.own import Own

Value = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers from ``low`` to ``high``, both included; ``log`` draws their logarithms evenly, ``whole`` integers."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        bounds = (self.low, self.high)
        if not all(math.isfinite(one) for one in bounds) or not self.low < self.high or (self.log and self.low <= 0):
            least = "above 0 " if self.log else ""
            raise InvalidInput(
                f"Nothing can be searched from {self.low} to {self.high}.",
                mend=f"Give two finite numbers {least}, the lower one first.",
            )

    def holds(self, value: object) -> bool:
        """Whether it is one of these."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and (not self.whole or float(value).is_integer())


@dataclass(frozen=True, slots=True)
class Options:
    """One of some values."""

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if len(set(self.values)) < 2 or not all(one is None or isinstance(one, Value) for one in self.values):
            mend = "Give two or more different texts, numbers, booleans or None."
            raise InvalidInput(f"Nothing can be chosen among {list(self.values)!r}.", mend=mend)

    def holds(self, value: object) -> bool:
        """Whether it is one of these."""
        return value in self.values


def uniform(low: float, high: float) -> Span:
    """Numbers from ``low`` to ``high``."""
    return Span(low, high)


def log_uniform(low: float, high: float) -> Span:
    """Numbers from ``low`` to ``high``, as many below each power as above: for rates and penalties."""
    return Span(low, high, log=True)


def whole(low: int, high: int, *, log: bool = False) -> Span:
    """Integers from ``low`` to ``high``."""
    return Span(low, high, log=log, whole=True)


def choice(*values: Value) -> Options:
    """One of these values."""
    return Options(values)


@dataclass(frozen=True, slots=True)
class Trial:
    """One config that was tried: ``values`` for the space, and the loss on the later rows; None where it failed.

    Of a metric of which more is better, the loss is its negative.
    """

    values: Mapping[str, Value]
    loss: float | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """Looks for the values of some config keys before each training: ``Search({"rate": log_uniform(0.01, 0.3)})``.

    ``trials`` configs are tried, the loop's own first where it lies in the space. Each is trained on the earlier part
    of the rows to train on and judged on the ``later`` share of them, in time; rows that are held out are never looked
    at. The best one is then trained on all of them. The same rows and ``seed`` always try the same. What counts is the
    loop's own loss, log-loss or that of its number, unless a ``metric`` of one's own is given: of ``hs.metric(function,
    better=...)``.
    Raises: InvalidInput for a search of nothing, and by a metric of which no way is better.
    """

    space: Mapping[str, Span | Options]
    trials: int = 20
    later: float = 0.2
    seed: int = 0
    metric: Own | None = None

    def __post_init__(self) -> None:
        if not self.space or not all(isinstance(one, Span | Options) for one in self.space.values()):
            mend = "Give such as hs.Search({'learning_rate': hs.log_uniform(0.01, 0.3)})."
            raise InvalidInput("A search needs a space of config keys.", mend=mend)
        if self.trials < 2 or not 0 < self.later < 1:
            raise InvalidInput(
                f"A search of {self.trials} trials, judged on a share of {self.later}, finds nothing.",
                mend="Give at least 2 trials and a share between 0 and 1, such as later=0.2.",
            )

        if self.metric is not None and (not isinstance(self.metric, Own) or self.metric.better == "neither"):
            mend = "Give metric=hs.metric(function, better='higher'), or 'lower'; left out, the loop's loss counts."
            raise InvalidInput("Nothing can be searched for by that metric.", mend=mend)

    @property
    def meaning(self) -> dict[str, Any]:
        """What decides each of its trials, as JSON values: how many there are is none of it."""
        told: dict[str, Any] = plain({"space": self.space, "later": self.later, "seed": self.seed})
        return told if self.metric is None else {**told, "metric": [self.metric.name, self.metric.better]}

    def own(self, config: Mapping[str, Any]) -> dict[str, Value] | None:
        """The loop's own values, where it has one of each in the space."""
        if all(name in config and one.holds(config[name]) for name, one in self.space.items()):
            return {name: config[name] for name in self.space}
        return None


def best(tried: Sequence[Trial]) -> Trial:
    """The one of the least loss, of equal ones the first. Raises: TrainingFailed when every one failed."""
    losses = [math.inf if one.loss is None else one.loss for one in tried]
    found = tried[losses.index(min(losses))]
    if found.loss is None:
        from homeostat.training.jobs import TrainingFailed  # which loads all that a training tells of itself

        raise TrainingFailed(
            f"All {len(tried)} trials of the search failed; the last: {tried[-1].problem}",
            mend="Mend the training function, or search among other values.",
        )
    return found
