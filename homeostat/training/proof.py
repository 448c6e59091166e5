"""The proof that what serves answers as the estimator that was trained: on real rows, overall and per slice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from homeostat.kernel.errors import Refused
from homeostat.kernel.words import plural
from homeostat.registry.models import Kind, Proof
from homeostat.stats.tasks import BINARY, Regression, Task
from homeostat.training.fitted import answering, named

TOLERANCE = 1e-5
"""The greatest difference at which two answers count as equal: in probability, or as a share of how numbers differ."""
SLICES = 50
"""A text feature with more texts than this is not taken apart."""
Predict = Callable[[Mapping[str, Any]], NDArray[np.float64]]
Answering = Callable[[pd.DataFrame], NDArray[np.float64]]
Slices = dict[str, dict[str, float]]
_BATCH = 20_000
_PROBES, _FEWEST_PROBES = 256, 16
_PROBED_CELLS = 16_000_000
"""Of wide rows fewer are probed for each feature, so that what all probes hold together stays within this."""
_BATCH_CELLS = 16_000_000
_NAMED = 5
_KNOWN = "fails on rows that there really were"
_ANSWERED = "answers rows on which its {} form fails"
_ODD: Mapping[Kind, tuple[Any, ...]] = {"number": (np.nan,), "text": ("", "\x00never seen in training")}
"""What a feature holds that is missing, or a text that was never seen."""


def prove(
    estimator: Any,
    predict: Predict,
    frame: pd.DataFrame,
    kinds: Mapping[str, Kind],
    *,
    form: str = "ONNX",
    tolerance: float = TOLERANCE,
    task: Task = BINARY,
) -> Proof:
    """Compare on every row of ``frame``, and on some rows with one value missing or new.

    ``predict`` is that of the engine that serves. Slices are the texts of each text feature with few of them.
    Probes that the estimator itself cannot take are left out. Numbers are compared by how much they differ from row
    to row.
    Raises: Refused naming the worst row, and each slice that differs by more than ``tolerance``.
    """
    answers = answering(estimator, task)
    scale = _scale(answers, frame, task)
    distance = _distances(_Compared(estimator, answers, predict, form, scale), frame)
    slices = _slices(distance, frame, kinds)
    _must_be_equal(estimator, form, distance, frame, slices, tolerance)
    rows, worst = len(frame), float(distance.max(initial=0.0))
    for probe, expected in _probed(answers, frame, kinds):
        served = _or_refused(estimator, _ANSWERED.format(form), lambda rows: scores_of(predict, rows), probe)
        distance = _difference(served, expected) / scale
        _must_be_equal(estimator, form, distance, probe, {}, tolerance)
        rows, worst = rows + len(probe), max(worst, float(distance.max(initial=0.0)))
    return Proof(rows, worst, tolerance, slices)


def both(one: Proof, other: Proof) -> Proof:
    """What two proofs show together.

    >>> both(Proof(2, 0.1, 1.0, {"shop": {"a": 0.1}}), Proof(3, 0.2, 1.0, {"shop": {"a": 0.2}})).slices
    {'shop': {'a': 0.2}}
    """
    slices: Slices = {}
    for found in (one.slices, other.slices):
        for name, texts in found.items():
            known = slices.setdefault(name, {})
            known.update({text: max(worst, known.get(text, 0.0)) for text, worst in texts.items()})
    few = {name: texts for name, texts in slices.items() if len(texts) <= SLICES}
    return Proof(one.rows + other.rows, max(one.worst, other.worst), one.tolerance, few)


def scores_of(predict: Predict, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Answers to many rows, a batch at a time."""
    answers = [predict({name: part[name].to_numpy() for name in part.columns}) for part in _batches(frame)]
    return np.concatenate(answers) if answers else np.empty(0)


@dataclass(frozen=True, slots=True)
class _Compared:
    """An estimator and the form of it that is compared with it, in units of ``scale``."""

    estimator: Any
    answers: Answering
    predict: Predict
    form: str
    scale: float


def _scale(answers: Answering, frame: pd.DataFrame, task: Task) -> float:
    """1 for chances; of numbers, how much they differ, or a tenth of the largest: float32 tells no more apart."""
    if not isinstance(task, Regression):
        return 1.0
    few = _answers_if_any(answers, frame.iloc[:: max(1, len(frame) // _PROBES)])
    return 1.0 if few is None else scale_of(few, task)


def scale_of(answers: NDArray[np.float64], task: Task) -> float:
    """In what differences of answers are told: 1 for chances; of numbers, how much they differ, or a tenth of the
    largest.

    >>> scale_of(np.array([100.0, 300.0]), Regression()), scale_of(np.array([0.1, 0.3]), BINARY)
    (100.0, 1.0)
    """
    if not isinstance(task, Regression) or not answers.size:
        return 1.0
    return float(max(answers.std(), np.abs(answers).max() / 10.0)) or 1.0


def _distances(seen: _Compared, frame: pd.DataFrame) -> NDArray[np.float64]:
    found = []
    for part in _batches(frame):
        expected = _or_refused(seen.estimator, _KNOWN, seen.answers, part)
        _must_be_answers(seen.estimator, expected, len(part))
        fails = _ANSWERED.format(seen.form)
        served = _or_refused(seen.estimator, fails, lambda rows: scores_of(seen.predict, rows), part)
        found.append(_difference(served, expected) / seen.scale)
    return np.concatenate(found) if found else np.empty(0)


def _must_be_answers(estimator: Any, found: NDArray[np.float64], rows: int) -> None:
    problem = f"gives {len(found)} answers to {plural(rows, 'row')}" if len(found) != rows else ""
    if not problem and not np.isfinite(found).all():
        wrong = int((~np.isfinite(found.reshape(rows, -1))).any(axis=1).sum())
        problem = f"answers {wrong} of {plural(rows, 'row')} with no number (NaN or infinite)"
    if problem:
        raise Refused(
            f"{named(estimator)} {problem}.",
            mend="Let predict_proba, or predict of a number, give one finite answer for each row: look for divisions by"
            " zero and values without bounds in what train() fits.",
            estimator=named(estimator),
        )


def _or_refused(
    estimator: Any, fails: str, scores: Callable[[pd.DataFrame], NDArray[np.float64]], frame: pd.DataFrame
) -> NDArray[np.float64]:
    try:
        return scores(frame)
    except Exception as error:  # each library has its own way of failing
        raise Refused(
            f"{named(estimator)} {fails}: {type(error).__name__}: {' '.join(str(error).split())[:300]}.",
            mend="Return an estimator that takes rows.features as they are, later rows included.",
            estimator=named(estimator),
        ) from error


def _difference(found: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    distance: NDArray[np.float64] = (
        np.abs(found - expected) if found.shape == expected.shape else np.full(len(expected), np.inf)
    )
    distance[np.isnan(distance)] = np.inf
    return distance if distance.ndim == 1 else np.asarray(distance.max(axis=1, initial=0.0))


def _slices(distance: NDArray[np.float64], frame: pd.DataFrame, kinds: Mapping[str, Kind]) -> Slices:
    texts = [name for name, kind in kinds.items() if kind == "text" and frame[name].nunique() <= SLICES]
    worst = {name: pd.Series(distance).groupby(frame[name].to_numpy()).max() for name in texts}
    return {name: {str(text): float(value) for text, value in found.items()} for name, found in worst.items()}


def _must_be_equal(
    estimator: Any, form: str, distance: NDArray[np.float64], frame: pd.DataFrame, slices: Slices, tolerance: float
) -> None:
    if distance.max(initial=0.0) <= tolerance:
        return
    place = int(distance.argmax())
    wrong = [(w, f"{name} = {text!r}") for name, texts in slices.items() for text, w in texts.items() if w > tolerance]
    told = [text for _, text in sorted(wrong, key=lambda one: -one[0])]
    where = f" Slices: {', '.join(told[:_NAMED])}{' and others' if len(told) > _NAMED else ''}." if told else ""
    raise Refused(
        f"{named(estimator)} and its {form} form differ by {distance[place]:.2g}, "
        f"more than {tolerance:g}, on {int((distance > tolerance).sum())} of {plural(len(frame), 'row')}.{where}",
        mend="Give trees their numbers as they are, unscaled, and handle missing and new values in the "
        "pipeline (SimpleImputer, OrdinalEncoder with unknown_value).",
        estimator=named(estimator),
        row={name: str(value) for name, value in frame.iloc[place].items()},
        slices=told,
    )


def estimator_scores(estimator: Any, frame: pd.DataFrame, task: Task = BINARY) -> NDArray[np.float64]:
    """What a fitted estimator answers to each row. Raises: Refused where it is none for the task."""
    return answering(estimator, task)(frame)


def _answers_if_any(answers: Answering, frame: pd.DataFrame) -> NDArray[np.float64] | None:
    try:
        return answers(frame)
    except Exception:  # each library has its own way of saying that a value is not one it takes
        return None


def _probed(
    answers: Answering, frame: pd.DataFrame, kinds: Mapping[str, Kind]
) -> Iterator[tuple[pd.DataFrame, NDArray[np.float64]]]:
    """Probes with the estimator's answers, many in a call as calls cost more than rows; none that it cannot take."""
    many = min(_PROBES, max(_FEWEST_PROBES, _PROBED_CELLS // len(kinds) ** 2))
    few = frame.iloc[:: max(1, len(frame) // many)]
    changes = _changes(kinds)
    at_once = max(1, _rows_at_once(frame) // len(few))
    for start in range(0, len(changes), at_once):
        together = changes[start : start + at_once]
        found = _answers_if_any(answers, probe := _changed(few, together))
        if found is not None:
            yield probe, found
            continue
        for one in together:
            if (alone := _answers_if_any(answers, probe := _changed(few, [one]))) is not None:
                yield probe, alone


def _changes(kinds: Mapping[str, Kind]) -> list[tuple[str, Any]]:
    """Each feature missing and, for a text, never seen."""
    return [(name, value) for name, kind in kinds.items() for value in _ODD[kind]]


def _changed(few: pd.DataFrame, changes: Sequence[tuple[str, Any]]) -> pd.DataFrame:
    """The rows once for each change, with one value of theirs changed."""
    rows = len(few)
    made = few.iloc[np.tile(np.arange(rows), len(changes))].reset_index(drop=True)
    for place, (name, value) in enumerate(changes):
        made.iloc[place * rows : (place + 1) * rows, list(few.columns).index(name)] = value
    return made


def _rows_at_once(frame: pd.DataFrame) -> int:
    return max(1, min(_BATCH, _BATCH_CELLS // max(1, frame.shape[1])))


def _batches(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    rows = _rows_at_once(frame)
    return (frame.iloc[start : start + rows] for start in range(0, len(frame), rows))
