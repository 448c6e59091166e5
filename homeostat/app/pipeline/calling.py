"""Calls a user's functions: seeded, on copies of their own, and what they raise or forget to return is told clearly."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from homeostat.app.pipeline.limits import on_cores, surroundings_kept
from homeostat.app.pipeline.material import Material
from homeostat.app.pipeline.seeding import seed_everything, seed_of
from homeostat.kernel.errors import Refused
from homeostat.training.jobs import TrainingFailed, in_short

if TYPE_CHECKING:
    from homeostat.training.rows import TrainingRows


def trained(material: Material, rows: TrainingRows, config: Mapping[str, Any]) -> Any:
    """What the loop's ``train`` makes of a copy of ``rows``.

    Raises: TrainingFailed, naming the line, whatever it raises; and where it returns nothing, or nothing fitted;
    Refused where it ignores what rows count.
    """
    given = to_train_on(material, rows)
    estimator = called(material, "train()", material.loop.train, config, given, copy.deepcopy(dict(config)))
    problem = "None" if estimator is None else _unfitted(estimator)  # told before any library falls over it
    if problem:
        raise TrainingFailed(
            f"train() of loop {material.loop.name!r} returned {problem}.",
            mend="Let it end with: return estimator.fit(rows.features, rows.label).",
        )
    if given.weights_ignored:
        raise Refused(
            f"train() of loop {material.loop.name!r} ignores rows.weight, but rows left alone by chance stand for"
            " others.",
            mend="Pass sample_weight=rows.weight to fit(), or declare hs.Feedback(weighted=False).",
            loop=material.loop.name,
        )
    return estimator


def to_train_on(material: Material, rows: TrainingRows) -> TrainingRows:
    """A copy for ``train``; each row counts one where the loop says so."""
    feedback = material.loop.feedback
    return own(rows.unweighted() if feedback is not None and not feedback.weighted else rows)


def called(material: Material, what: str, function: Callable[..., Any], config: Mapping[str, Any], *given: Any) -> Any:
    """What a user's function returns. Raises: TrainingFailed, naming the line, whatever it raises."""
    seed_everything(seed_of(config))
    try:
        with on_cores(material.threads), surroundings_kept():
            return material.outside.during(lambda: function(*given))
    except MemoryError:
        raise
    except BaseException as error:  # what ends a process, too: the child says what it was
        traceback.print_exc()
        where, log = _blamed(error, function), str(material.place.log)
        raise TrainingFailed(
            f"{what} of loop {material.loop.name!r} raised {in_short(error)}.",
            mend=f"Mend the function; its traceback is at the end of {log}.",
            file=where.filename,
            line=where.lineno,
            log=log,
        ) from error


def own(rows: TrainingRows) -> TrainingRows:
    """A copy for a function to do with as it likes: what it changes, nobody else sees."""
    return replace(
        rows, features=rows.features.copy(deep=False), label=rows.label.copy(), asked_at=rows.asked_at.copy()
    )


def _unfitted(estimator: Any) -> str:
    """How what is no estimator, or says of itself that it is not fitted, is told; "" for any other."""
    if isinstance(estimator, type):
        return f"the class {estimator.__name__}, not an object of it that is fitted"
    if not hasattr(estimator, "predict"):
        return f"an object of type {type(estimator).__name__}, which does not predict"
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return f"{type(estimator).__name__} that is not fitted"
    except (TypeError, AttributeError):  # none of scikit-learn's
        return ""
    return ""


def _blamed(error: BaseException, function: Callable[..., Any]) -> traceback.FrameSummary:
    """The innermost frame in the file of ``function``; what it called there is seldom at fault."""
    frames = traceback.extract_tb(error.__traceback__)
    file = getattr(getattr(function, "__code__", None), "co_filename", "")
    return next((frame for frame in reversed(frames) if frame.filename == file), frames[-1])
