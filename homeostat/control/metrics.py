"""What ``hs.metrics`` holds: figures by name, the primary ones among them, and a user's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, cast

from homeostat.data.labels import Label
from homeostat.kernel.errors import InvalidInput
from homeostat.stats.figures.means import MeanMetric, bias, mae, quantile_loss, rmse
from homeostat.stats.figures.own import Own
from homeostat.stats.figures.scores import FIGURES
from homeostat.stats.metrics import Metric, brier, log_loss, roc_auc, skill
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task

__all__ = [
    "accuracy",
    "bias",
    "brier",
    "calibration_error",
    "f1",
    "log_loss",
    "mae",
    "precision",
    "quantile_loss",
    "recall",
    "rmse",
    "roc_auc",
    "skill",
]
Declared = Metric | MeanMetric | Own


def _of_figure(name: str) -> Metric:
    """A figure of two classes at the threshold one half, as a metric that can be called."""

    def measured(labels: Any, scores: Any) -> float:
        return BINARY.figure(name, [BINARY.sums(labels, scores)])

    return Metric(name, cast("Literal['lower', 'higher']", FIGURES[name].better), measured)


accuracy, precision, recall, f1, calibration_error = map(
    _of_figure, ("accuracy", "precision", "recall", "f1", "calibration_error")
)


def metric(
    function: Callable[[Any, Any], Any],
    *,
    name: str | None = None,
    better: Literal["lower", "higher", "neither"] = "lower",
) -> Own:
    """A figure of one's own, measured each day beside the others: ``function(labels, answers)`` of a day's rows.

    It gives one number per row, of which the mean counts, or one number for the day, of which the days' mean counts,
    each by its rows. ``labels`` are booleans, numbers, or classes by name; ``answers`` are probabilities, numbers, or
    one column per class. Raises: InvalidInput for what is no function, or has no name.
    """
    called = str(name or getattr(function, "__name__", ""))
    if not callable(function) or not called.isidentifier() or called in FIGURES:
        raise InvalidInput(
            f"{function!r} makes no metric of the name {called!r}.",
            mend="Give a function of labels and answers, and name='...' where it has none of its own; names of"
            " Homeostat's own figures are taken.",
        )
    return Own(called, better, function)


def task_of_loop(loop: str, label: Label, primary: Declared | None) -> Task:
    """What a loop answers and is judged by. Raises: InvalidInput for a primary metric that judges nothing of it."""
    if label.answers == "regression":
        levels: dict[str, float | None] = {"rmse": None, "mae": 0.5}
        if primary is None or primary.name in levels:
            return Regression(levels["rmse" if primary is None else primary.name])
        if isinstance(primary, MeanMetric) and primary.level is not None:
            return Regression(primary.level)
        allowed = "hs.metrics.rmse, hs.metrics.mae or hs.metrics.quantile_loss(0.9)"
        raise _no_primary(loop, primary, "a number", allowed)
    if primary is not None and primary.name != "log_loss":
        raise _no_primary(loop, primary, "chances", "hs.metrics.log_loss")
    return Multiclass(label.classes) if label.answers == "multiclass" else BINARY


def own_metrics(loop: str, task: Task, metrics: Sequence[Declared]) -> tuple[Own, ...]:
    """The user's own of the declared ones; the others are measured anyway.

    Raises: InvalidInput for what is no metric, does not fit the task, or is named twice.
    """
    names = [getattr(one, "name", None) for one in metrics]
    for one, name in zip(metrics, names, strict=True):
        if not isinstance(cast("object", one), Metric | MeanMetric | Own):
            mend = "Give hs.metrics.f1 and the like, or hs.metric(function)."
            raise InvalidInput(f"Loop {loop!r}: {one!r} is no metric.", mend=mend)
        if not isinstance(_own(task, one), Own) and name not in _measured(task):
            raise InvalidInput(
                f"Loop {loop!r}: {name} says nothing of its answers, which are those of a {task.name} loop.",
                mend=f"Choose among {', '.join(task.figures)}, or leave it out.",
            )
    if len(set(names)) < len(names):
        raise InvalidInput(
            f"Loop {loop!r}: a metric is named twice.", mend="Give each its own name: hs.metric(f, name=...)."
        )
    return tuple(one for one in map(partial(_own, task), metrics) if isinstance(one, Own))


def _own(task: Task, one: Declared) -> Declared:
    """The loss of a quantile that the loop is not judged by is measured as a figure of the user's own."""
    if isinstance(task, Regression) and isinstance(one, MeanMetric) and one.level not in (None, task.level):
        return Own(one.name, "lower", one.per_row)
    return one


def _measured(task: Task) -> set[str]:
    """What is measured of every loop of the task; the quantile that it is judged by has its level in its name."""
    level = getattr(task, "level", None)
    return {*task.figures, *([] if level is None else [quantile_loss(level).name])}


def _no_primary(loop: str, primary: Declared | None, what: str, allowed: str) -> InvalidInput:
    name = getattr(primary, "name", repr(primary))
    return InvalidInput(f"Loop {loop!r} answers {what}, which {name} cannot judge.", mend=f"Give primary={allowed}.")
