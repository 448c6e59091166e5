"""Models from elsewhere, for a loop to serve as they are: what they answer, and under which names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from homeostat.app.brought.files import read_model
from homeostat.app.brought.names import rename_features
from homeostat.data.labels import Answers, Label
from homeostat.kernel.errors import HomeostatError, IntegrityError, InvalidInput, NotFound
from homeostat.registry.manifest import hash_file
from homeostat.stats.tasks import Multiclass, Regression, Task
from homeostat.training.fitted import answering

_NAMELESS = "Column_"
_TRUE = ("1", "true")


def load_model(folder: Path, config: Mapping[str, Any], features: Sequence[str], label: Label) -> Any:
    """The model beside a loop file, as a training function returns it, to be asked about columns named ``features``.

    ``config`` names the ``model`` and its ``sha256``; ``positive`` is the class that makes the label true, where the
    model calls it by a name.
    Raises: NotFound and IntegrityError where the file is not the one that was brought; InvalidInput for what is none.
    """
    file = folder / str(config["model"])
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", mend="Put the model of the loop back.", file=str(file))
    if hash_file(file) != config["sha256"]:
        raise IntegrityError(
            f"{file} is not the model that the loop file names.",
            mend="Put it back; or, if it was meant to change, write its SHA-256 into the loop's config.",
            file=str(file),
        )
    return fitted_for(read_model(file), features, label.answers, label.classes, config.get("positive"))


def fitted_for(
    model: Any, features: Sequence[str], answers: Answers, classes: Sequence[str] = (), positive: str | None = None
) -> Any:
    """A model that was read, made to answer for a loop: given its names of features and of classes. The same object.

    ``classes`` are the loop's, for a model that knows them by their places only; ``positive`` is the class of a binary
    model that counts as true, where it has names for both.
    """
    if hasattr(model, "take_for"):
        model.take_for(answers)
    elif hasattr(model, "get_booster"):
        model.get_booster().feature_names = list(features)
    elif not hasattr(model, "booster_"):
        rename_features(model, dict(zip(names_in(model) or (), features, strict=False)))
    if answers == "multiclass" and _by_place(model, classes):
        _last_step(model).class_names_ = list(classes)
    if positive is not None:
        last = _last_step(model)
        last.classes_ = np.array([str(one) == positive for one in last.classes_])
    return model


def answers_of(model: Any, file: str) -> Answers | None:
    """What a model answers; None where that is open. Raises: InvalidInput for one that answers nothing of use."""
    if hasattr(model, "take_for"):
        found: Answers | None = model.answers
        return found
    from sklearn.base import is_regressor

    if is_regressor(model):
        return "regression"
    if not hasattr(model, "predict_proba") or len(class_names(model)) < 2:
        raise InvalidInput(
            f"{file} holds neither a regressor nor a classifier with predict_proba.",
            mend="Bring a fitted estimator that predicts a number, or probabilities of classes.",
            file=file,
        )
    return "binary" if len(class_names(model)) == 2 else "multiclass"


def class_names(model: Any) -> list[str]:
    """The classes that a model tells apart, as it calls them; none for a regressor."""
    found = getattr(model, "classes_", None)
    return [] if found is None else [str(one) for one in found]


def named_classes(model: Any, values: Sequence[str], file: str) -> tuple[tuple[str, ...], list[str]]:
    """The classes of a loop that serves a model, where the target holds ``values``; and what was assumed to know them.

    Raises: InvalidInput where the model tells others apart.
    """
    names = class_names(model)
    numbered = names == [str(place) for place in range(len(names))]
    common = set(names) & set(values)
    if common in (set(names), set(values)) or (common and not numbered):
        more = [name for name in names if name not in values]
        unknown = [value for value in values if value not in names]
        told = [f"{file} knows nothing of {', '.join(unknown)}: it gives that no chance."] if unknown else []
        return (*values, *more), told
    if _by_place(model, values):
        pairs = ", ".join(f"{place} is {value}" for place, value in enumerate(values))
        return tuple(values), [f"{file} knows classes by number; they are taken in the target's order: {pairs}."]
    raise InvalidInput(
        f"{file} tells {', '.join(names[:8])} apart ({len(names)} classes); the target is {', '.join(values[:8])}"
        f" ({len(values)}).",
        mend="Give rows whose target holds the model's classes, each at least once.",
        file=file,
    )


def positive_name(model: Any, positive: str, values: Sequence[str], file: str) -> str | None:
    """The class of a binary model that makes the label true, by its name; None where it is called true or 1.

    Raises: InvalidInput where neither of its classes can be the one.
    """
    names = class_names(model)
    truth = next((name for name in names if name.lower() in _TRUE), None)
    found = next((name for name in names if name.lower() == positive.lower()), None)
    if found is None and positive.lower() in _TRUE:
        found = truth
    known = {value.lower() for value in values}
    if found is None and truth is not None and not any(name.lower() in known for name in names):
        found = truth
    if found is None:
        raise InvalidInput(
            f"{file} tells {' from '.join(names)}, and {positive!r} is neither.",
            mend="Name one of them with --positive, or give rows whose target holds them.",
            file=file,
        )
    if found == truth:
        return None
    last = _last_step(model)
    if not isinstance(vars(last).get("classes_"), np.ndarray):
        raise InvalidInput(
            f"{file} gives the chance of {truth or names[-1]}, and {found} is to be predicted.",
            mend="Turn --positive round, or bring a model that was trained for it.",
            file=file,
        )
    return found


def names_in(model: Any) -> list[str] | None:
    """The features that a model says it was trained on, in order; None where it does not say."""
    steps = [getattr(model, "names", None), getattr(model, "feature_names_in_", None), _of_booster(model)]
    found = next((list(map(str, one)) for one in steps if one is not None and len(one)), None)
    if found is None or all(name == f"{_NAMELESS}{place}" for place, name in enumerate(found)):
        return None
    return found


def width_of(model: Any) -> int | None:
    """How many features it takes, where it says so."""
    found = getattr(model, "width", None) or getattr(model, "n_features_in_", None)
    return None if found is None else int(found)


def must_answer(model: Any, frame: Any, task: Task, file: str) -> None:
    """See that a model answers rows of its loop, also one of which nothing is known. Raises: InvalidInput."""
    nothing = frame.head(1).copy()
    for name in nothing.columns:
        nothing[name] = np.array([""], dtype=object) if nothing[name].dtype.kind == "O" else np.float32("nan")
    for what, rows in (("the rows", frame), ("a row of which nothing is known", nothing)):
        try:
            answer = answering(model, task)(rows)
        except HomeostatError as error:
            raise InvalidInput(f"{file}: {error.problem}", mend=error.mend, file=file) from error
        except Exception as error:  # each library has its own way of failing
            raise InvalidInput(
                f"{file} fails on {what}: {type(error).__name__}: {' '.join(str(error).split())[:200]}.",
                mend="Bring a model, or a pipeline, that takes these columns as they are, missing values included.",
                file=file,
            ) from error
        if not _fits(answer, len(rows), task):
            raise InvalidInput(
                f"{file} gives {what} no {_WANTED[task.name]}.",
                mend="Bring a model that answers so, also where values are missing, such as by SimpleImputer.",
                file=file,
            )


_WANTED = {"binary": "finite probability", "regression": "finite number", "multiclass": "chances that add up to 1"}


def _fits(answer: Any, rows: int, task: Task) -> bool:
    if len(answer) != rows or not np.isfinite(answer).all():
        return False
    if isinstance(task, Regression):
        return True
    inside = bool((answer > -1e-6).all() and (answer < 1 + 1e-6).all())
    return inside and (not isinstance(task, Multiclass) or bool((np.abs(answer.sum(axis=1) - 1) < 1e-3).all()))


def _last_step(model: Any) -> Any:
    return model.steps[-1][1] if hasattr(model, "steps") else model


def _by_place(model: Any, classes: Sequence[str]) -> bool:
    """Whether a model numbers so many classes from 0 on, and they are called otherwise: a booster knows no names."""
    places = [str(place) for place in range(len(classes))]
    may_meet = hasattr(model, "booster_") or hasattr(model, "get_booster")
    meet = set(places) == set(classes) if may_meet else set(places) & set(classes)
    return class_names(model) == places and not meet


def _of_booster(model: Any) -> Sequence[str] | None:
    if hasattr(model, "booster_"):
        return list(model.booster_.feature_name())
    if hasattr(model, "get_booster"):
        return list(model.get_booster().feature_names or [])
    return None
