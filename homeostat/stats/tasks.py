"""What a loop answers, and by what it is judged: yes or no, a number, or one of several classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, Integers, finite, same_length
from homeostat.stats.figures import class_sums, number_sums
from homeostat.stats.figures import scores as figures
from homeostat.stats.figures.class_figures import CLASS_FIGURES
from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.means import class_log_losses, class_squared_errors
from homeostat.stats.figures.number_sums import NumberSums, number_losses
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import ScoreSums, pooled
from homeostat.stats.intervals import Interval
from homeostat.stats.metrics import beaten, log_losses

MOST_COUNTED = 10
"""Of so many classes at most a slice counts rows class by class: each takes four numbers a value and day."""
BEATEN = "beaten "
"""Begins the name of the sum, over the rows of a class, of how many rows of others had a smaller chance of it."""
SUSPICIOUS = 0.9
"""The share of a constant answer's loss from which a model is said to know the answer."""


@dataclass(frozen=True, slots=True)
class Task(ABC):
    """One kind of answer. ``column`` is the log's column that holds what is judged, ``loss_name`` the primary loss and
    ``constant`` the answer that needs no model, over which skill is measured. ``figures`` says which way is better."""

    name: ClassVar[str]
    column: ClassVar[str]

    @property
    @abstractmethod
    def loss_name(self) -> str: ...

    @property
    @abstractmethod
    def constant(self) -> str: ...

    @property
    @abstractmethod
    def figures(self) -> Mapping[str, str]: ...

    @abstractmethod
    def reach(self, name: str) -> tuple[float, float]:
        """The least and the most that a figure can be."""

    def watched(self, answers: Any) -> Any:
        """What of answers has a distribution that may drift: they themselves, or the likeliest class by name."""
        return answers

    @property
    def unit(self) -> str:
        """What a difference of losses is told in: chances have one, numbers are told by what a constant costs.

        >>> Binary().unit, Regression().unit
        ('nats', "times the best constant's")
        """
        return "nats" if self.error is None else "times the best constant's"

    @property
    def error(self) -> str | None:
        """The figure in the label's own unit by which people know how wrong it is; None for chances."""
        return None

    @abstractmethod
    def losses(self, truth: ArrayLike, answers: ArrayLike) -> Floats:
        """The primary loss of each row. Raises: InvalidInput for what is missing."""

    def by_row(self, truth: ArrayLike, answers: ArrayLike) -> dict[str, Floats]:
        """What of each row adds up to the figures of a slice, by name; the primary loss is the first."""
        return {"loss": self.losses(truth, answers)}

    def by_value(self, truth: ArrayLike, answers: ArrayLike, codes: Integers, count: int) -> dict[str, Floats]:
        """What the figures of a slice are made of, by name and value: ``codes`` place each row's, below ``count``."""
        every = self.by_row(truth, answers).items()
        return {name: _summed(codes, one, count) for name, one in every}

    @abstractmethod
    def sums(self, truth: ArrayLike, answers: ArrayLike) -> Sums:
        """What is kept of some rows. Raises: InvalidInput for what is missing."""

    @abstractmethod
    def interval(
        self, name: str, blocks: Sequence[Any], *, threshold: float = 0.5, confidence: float = 0.95
    ) -> Interval:
        """One figure over blocks, each a day, for one fixed look. Raises: NotEnoughData with too few of them."""

    def figure(self, name: str, blocks: Sequence[Any], *, threshold: float = 0.5) -> float:
        """One figure without bounds. Raises: NotEnoughData where it is undefined."""
        del threshold
        whole: Sums = pooled(blocks)
        return whole.figure(name)

    def to_json(self) -> dict[str, object]:
        """The JSON form; `task_of` reads it back."""
        return {"name": self.name}


@dataclass(frozen=True, slots=True)
class Binary(Task):
    """The probability that a condition comes true.

    >>> Binary().losses([True], [0.5]).round(4).tolist()
    [0.6931]
    """

    name: ClassVar[str] = "binary"
    column: ClassVar[str] = "probability"

    @property
    def loss_name(self) -> str:
        return "log-loss"

    @property
    def constant(self) -> str:
        return "the base rate"

    @property
    def figures(self) -> Mapping[str, str]:
        return {name: one.better for name, one in figures.FIGURES.items()}

    def reach(self, name: str) -> tuple[float, float]:
        return figures.FIGURES[name].low, figures.FIGURES[name].high

    def losses(self, truth: ArrayLike, answers: ArrayLike) -> Floats:
        return log_losses(truth, answers)

    def sums(self, truth: ArrayLike, answers: ArrayLike) -> ScoreSums:
        return ScoreSums.of(truth, answers)

    def interval(
        self, name: str, blocks: Sequence[Any], *, threshold: float = 0.5, confidence: float = 0.95
    ) -> Interval:
        return figures.figure_interval(name, blocks, threshold=threshold, confidence=confidence)

    def figure(self, name: str, blocks: Sequence[Any], *, threshold: float = 0.5) -> float:
        if not blocks:
            raise NotEnoughData("No block of labelled rows.", mend="Wait for labels to mature.", blocks=0)
        return figures.figure_of(name, sum(map(figures.table_of, blocks)), threshold=threshold)


@dataclass(frozen=True, slots=True)
class Regression(Task):
    """A number: its mean, judged by squared error, or its quantile of ``level``, judged by pinball loss.

    >>> Regression().losses([1.0], [3.0]).tolist(), Regression(0.5).losses([1.0], [3.0]).tolist()
    ([4.0], [1.0])
    """

    name: ClassVar[str] = "regression"
    column: ClassVar[str] = "prediction"
    level: float | None = None

    @property
    def loss_name(self) -> str:
        if self.level is None:
            return "squared error"
        return "absolute error" if self.level == 0.5 else f"loss of the {self.level:g} quantile"

    @property
    def constant(self) -> str:
        if self.level is None:
            return "the mean"
        return "the median" if self.level == 0.5 else f"the {self.level:g} quantile"

    @property
    def error(self) -> str:
        """RMSE, MAE or the quantile's loss, as the primary loss is."""
        return "rmse" if self.level is None else "mae" if self.level == 0.5 else "quantile_loss"

    @property
    def figures(self) -> Mapping[str, str]:
        quantile = self.level not in (None, 0.5)
        return {**number_sums.FIGURES, **({"quantile_loss": "lower"} if quantile else {})}

    def reach(self, name: str) -> tuple[float, float]:
        return {"skill": (-np.inf, 1.0), "bias": (-np.inf, np.inf)}.get(name, (0.0, np.inf))

    def losses(self, truth: ArrayLike, answers: ArrayLike) -> Floats:
        known, told = finite("labels", truth), finite("answers", answers)
        same_length(labels=known, answers=told)
        return number_losses(known, told, self.level)

    def by_row(self, truth: ArrayLike, answers: ArrayLike) -> dict[str, Floats]:
        error = np.asarray(answers, dtype=np.float64) - np.asarray(truth, dtype=np.float64)
        told = {"absolute": np.abs(error), "error": error, "truth": np.asarray(truth, dtype=np.float64)}
        return {"loss": self.losses(truth, answers), **told, "squared": np.square(error)}

    def by_value(self, truth: ArrayLike, answers: ArrayLike, codes: Integers, count: int) -> dict[str, Floats]:
        found, known = Task.by_value(self, truth, answers, codes, count), np.asarray(truth, dtype=np.float64)
        if self.level is not None:  # what the best quantile costs no sum tells
            return found
        means = found["truth"] / np.maximum(np.bincount(codes, minlength=count), 1)
        return {**found, "spread": _summed(codes, np.square(known - means[codes]), count)}

    def sums(self, truth: ArrayLike, answers: ArrayLike) -> NumberSums:
        return NumberSums.of(truth, answers, level=self.level)

    def interval(
        self, name: str, blocks: Sequence[Any], *, threshold: float = 0.5, confidence: float = 0.95
    ) -> Interval:
        del threshold
        return number_sums.number_interval(name, blocks, confidence=confidence)

    def to_json(self) -> dict[str, object]:
        return {"name": self.name, "level": self.level}


@dataclass(frozen=True, slots=True)
class Multiclass(Task):
    """The chance of each of several classes; labels are places of classes.

    >>> Multiclass(("a", "b", "c")).losses([2], [[0.25, 0.25, 0.5]]).round(4).tolist()
    [0.6931]
    """

    name: ClassVar[str] = "multiclass"
    column: ClassVar[str] = "probabilities"
    classes: tuple[str, ...] = ()

    @property
    def loss_name(self) -> str:
        return "log-loss"

    @property
    def constant(self) -> str:
        return "the classes' shares"

    def watched(self, answers: Any) -> Any:
        return np.array(self.classes, dtype=object)[_table(answers, len(self.classes)).argmax(axis=1)]

    @property
    def figures(self) -> Mapping[str, str]:
        return class_sums.FIGURES

    def reach(self, name: str) -> tuple[float, float]:
        return CLASS_FIGURES[name].low, CLASS_FIGURES[name].high

    def losses(self, truth: ArrayLike, answers: ArrayLike) -> Floats:
        return class_log_losses(truth, answers)

    def by_row(self, truth: ArrayLike, answers: ArrayLike) -> dict[str, Floats]:
        chances = _table(answers, len(self.classes))
        right = (chances.argmax(axis=1) == np.asarray(truth)).astype(np.float64)
        return {
            "log_loss": self.losses(truth, chances),
            "brier": class_squared_errors(truth, chances),
            "right": right,
            "expected": chances.max(axis=1),
        }

    def by_value(self, truth: ArrayLike, answers: ArrayLike, codes: Integers, count: int) -> dict[str, Floats]:
        """With rows by their true class, by their answer, and those of both, where there are 10 classes at most."""
        found, chances = Task.by_value(self, truth, answers, codes, count), _table(answers, len(self.classes))
        if chances.shape[1] > MOST_COUNTED:
            return found
        said, known = chances.argmax(axis=1), np.asarray(truth)
        for place in range(chances.shape[1]):
            true, told = known == place, said == place
            of = {"true": true, "said": told, "hit": true & told}
            found |= {f"{name} {place}": _summed(codes, one, count) for name, one in of.items()}
            found[f"{BEATEN}{place}"] = _summed(codes, beaten(codes, true, chances[:, place]), count)
        return found

    def sums(self, truth: ArrayLike, answers: ArrayLike) -> ClassSums:
        return ClassSums.of(truth, _table(answers, len(self.classes)))

    def interval(
        self, name: str, blocks: Sequence[Any], *, threshold: float = 0.5, confidence: float = 0.95
    ) -> Interval:
        del threshold
        return class_sums.class_interval(name, blocks, confidence=confidence)

    def to_json(self) -> dict[str, object]:
        return {"name": self.name, "classes": list(self.classes)}


def _summed(codes: Integers, values: ArrayLike, count: int) -> Floats:
    return np.asarray(np.bincount(codes, weights=values, minlength=count), dtype=np.float64)


BINARY = Binary()
_TASKS: Mapping[str, Callable[..., Task]] = {"binary": Binary, "regression": Regression, "multiclass": Multiclass}
_KEPT: Mapping[str, type[Sums]] = {"regression": NumberSums, "multiclass": ClassSums}


def task_of(value: Mapping[str, Any] | None) -> Task:
    """Read `Task.to_json` back; what says nothing of it is of a release that knew binary ones only.

    Raises: InvalidInput for a task that this release does not know.

    >>> task_of(None).name, task_of({"name": "regression", "level": 0.5}).constant
    ('binary', 'the median')
    """
    if value is None:
        return BINARY
    told = dict(value)
    made = _TASKS.get(told.pop("name", ""))
    if made is None:
        raise InvalidInput(f"No task {value.get('name')!r}.", mend="Update Homeostat here, too.")
    found: Task = made(**{name: tuple(one) if isinstance(one, list) else one for name, one in told.items()})
    return found


def sums_type(value: Mapping[str, Any]) -> type[Sums]:
    """What sums were kept of, from their JSON."""
    return _KEPT.get(str(value.get("task", "")), ScoreSums)


def skill_over(blocks: Sequence[Sums], *, confidence: float = 0.95) -> Interval:
    """Skill over the constant answer with block bounds, of whatever task the sums are.

    Raises: NotEnoughData with fewer than 3 blocks with rows, or where it is undefined without one of them.
    """
    return task_of_sums(blocks).interval("skill", blocks, confidence=confidence)


def task_of_sums(blocks: Sequence[Sums]) -> Task:
    """The task whose sums these are, without its classes' names; that of a yes or no where there are none."""
    first = blocks[0] if blocks else None
    if isinstance(first, NumberSums):
        return Regression(first.level)
    return Multiclass() if isinstance(first, ClassSums) else BINARY


def _table(answers: ArrayLike, classes: int) -> Floats:
    found = np.asarray(answers, dtype=np.float64)
    return found if found.size else found.reshape(0, classes)
