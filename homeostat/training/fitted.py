"""What a fitted estimator answers, by the loop's task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from homeostat.kernel.errors import Refused
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task

Answers = NDArray[np.float64]


def named(estimator: Any) -> str:
    """A pipeline is named with its last step: that is the one people recognise."""
    steps = getattr(estimator, "steps", None)
    name = type(estimator).__name__
    return f"{name} ending in {type(steps[-1][1]).__name__}" if steps else name


def answering(estimator: Any, task: Task = BINARY) -> Callable[[pd.DataFrame], Answers]:
    """From features to answers: probabilities of True, [n]; numbers, [n]; chances in the order of the classes, [n, k].

    Raises: Refused naming the estimator, where it is none for the task or is not fitted.
    """
    if isinstance(task, Regression):
        must_predict_numbers(estimator)
        return lambda frame: np.asarray(estimator.predict(frame), dtype=np.float64).reshape(-1)
    if isinstance(task, Multiclass):
        chosen = class_table(estimator, task.classes)
        return lambda frame: np.asarray(estimator.predict_proba(frame), dtype=np.float64) @ chosen
    positive = positive_class(estimator)
    return lambda frame: np.asarray(estimator.predict_proba(frame), dtype=np.float64)[:, positive]


def positive_class(estimator: Any) -> int:
    """The place of True among the classes of a fitted binary classifier.

    Raises: Refused naming the estimator, where it is none.
    """
    classes = [str(value) for value in getattr(estimator, "classes_", [])]
    if not hasattr(estimator, "predict_proba") or sorted(classes) not in (["False", "True"], ["0", "1"]):
        found = f"its classes are {', '.join(classes)}" if classes else "it is not a fitted classifier"
        raise Refused(
            f"{named(estimator)} cannot answer with the probability of True: {found}.",
            mend="Return an estimator with predict_proba, fitted on rows.label.",
            estimator=named(estimator),
        )
    return classes.index("True") if "True" in classes else classes.index("1")


def must_predict_numbers(estimator: Any) -> None:
    """Raises: Refused naming an estimator that is a classifier, or predicts nothing."""
    classes = getattr(estimator, "classes_", None)
    if hasattr(estimator, "predict") and classes is None:
        return
    why = "it has no predict" if classes is None else "it is a classifier"
    raise Refused(
        f"{named(estimator)} does not answer with a number: {why}.",
        mend='Return a regressor fitted on rows.label, or make the label a condition: "arr_delay > 15".',
        estimator=named(estimator),
    )


def class_table(estimator: Any, classes: tuple[str, ...]) -> NDArray[np.float64]:
    """By which the chances of the estimator's classes, as columns, become those of the loop's: 1 where both meet.

    An estimator that was fitted on places of classes says in ``class_names_`` which these are.

    Raises: Refused naming the estimator, where it has other classes or none.
    """
    found = _class_names(estimator)
    strange = [name for name in found if name not in classes]
    if not hasattr(estimator, "predict_proba") or len(found) < 2 or strange:
        why = f"its only class is {found[0]}" if found else "it is not a fitted classifier"
        if strange:
            why = f"it has the classes {', '.join(strange)}"
        raise Refused(
            f"{named(estimator)} cannot answer with the chances of {', '.join(classes)}: {why}.",
            mend="Return an estimator with predict_proba, fitted on rows.label: the classes' names.",
            estimator=named(estimator),
        )
    return np.array([[float(name == other) for other in classes] for name in found])


def _class_names(estimator: Any) -> list[str]:
    steps = getattr(estimator, "steps", None)
    model = steps[-1][1] if steps else estimator
    classes = list(getattr(estimator, "classes_", []))
    names = list(getattr(model, "class_names_", classes))
    if len(names) != len(classes):
        raise Refused(
            f"{named(estimator)} has {len(classes)} classes, and {len(names)} names for them.",
            mend="Set class_names_ to the names of its classes_, in their order.",
            estimator=named(estimator),
        )
    return [str(value) for value in names]
