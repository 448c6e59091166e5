"""Every figure over several classes from counts by chance, whether rows were counted or are only expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.stats.arrays import Booleans, Floats
from homeostat.stats.figures.calibration import centres
from homeostat.stats.figures.means import classes_scored
from homeostat.stats.figures.reliability import GROUPS
from homeostat.stats.metrics import CLIP

CLASS_BINS = 128
"""Bins of a class's chance, equally wide in arcsin(sqrt(chance)), as those of `sums.SCORE_BINS`."""
CENTRES: Floats = centres(CLASS_BINS)
_CLIPPED: Floats = np.clip(CENTRES, CLIP, 1.0)
_GROUP = np.eye(GROUPS)[np.minimum((CENTRES * GROUPS).astype(np.int64), GROUPS - 1)]
_MET = 0.5
"""Rows, counted or expected, from which a class is met: of one that nobody meets nothing is averaged."""
Tables = NDArray[np.float64]
"""Rows by class, whether it was the answer (no, yes), whether it came true (no, yes), and bin of its chance: shape
(..., classes, 2, 2, bins). Each row is in it once for each class."""


def class_counts(chances: ArrayLike) -> NDArray[np.int64]:
    """Rows before any label is known, by class, whether it was the answer, and bin of its chance: (classes, 2, bins).

    Raises: InvalidInput for what is no full table of chances.

    >>> class_counts([[0.6, 0.4], [0.2, 0.8]]).sum(axis=2).tolist()
    [[1, 1], [1, 1]]
    """
    told = np.asarray(chances, dtype=np.float64)
    _, told = classes_scored(np.zeros(len(told)), told)
    return np.asarray(_counted(np.full(len(told), -1), told).sum(axis=2))


def class_table(labels: ArrayLike, chances: ArrayLike) -> NDArray[np.int64]:
    """The same of labelled rows, by whether the class came true too: shape (classes, 2, 2, bins)."""
    return _counted(*classes_scored(labels, chances))


def _counted(truth: NDArray[np.int64], told: Floats) -> NDArray[np.int64]:
    size = told.shape[1]
    place = np.minimum((np.arcsin(np.sqrt(told.clip(0.0, 1.0))) * (2 * CLASS_BINS / np.pi)).astype(int), CLASS_BINS - 1)
    each = np.arange(size)
    answered, true = told.argmax(axis=1)[:, None] == each, truth[:, None] == each
    cells = ((each * 2 + answered) * 2 + true) * CLASS_BINS + place
    return np.bincount(cells.ravel(), minlength=size * 4 * CLASS_BINS).reshape(size, 2, 2, CLASS_BINS)


@dataclass(frozen=True, slots=True)
class ClassFigure:
    """A figure that tables define: ``of(tables)`` gives NaN where it is undefined.

    ``expected(known, to_come)`` is what ``of`` will give once rows to come, of which only expected counts are there,
    are known too. It lies in [``low``, ``high``].
    """

    name: str
    better: Literal["lower", "higher"]
    of: Callable[[Tables], Floats]
    expected: Callable[[Tables, Tables], Floats]
    low: float = 0.0
    high: float = 1.0


def rows_of(tables: Tables) -> Floats:
    """How many rows there are."""
    return np.asarray(tables[..., 0, :, :, :].sum((-3, -2, -1)))


def _true(tables: Tables) -> Floats:
    """Rows by their true class."""
    return np.asarray(tables[..., 1, :].sum((-2, -1)))


def _answered(tables: Tables) -> Floats:
    return np.asarray(tables[..., 1, :, :].sum((-2, -1)))


def _hit(tables: Tables) -> Floats:
    return np.asarray(tables[..., 1, 1, :].sum(-1))


def _ratio(part: Floats, whole: Floats) -> Floats:
    safe = np.where(whole > 0.0, whole, 1.0)
    return np.where(whole > 0.0, part / safe, np.nan)


def _mean_of_met(values: Floats, met: Booleans) -> Floats:
    """The mean over classes that are met, NaN where there is none or one has no value."""
    return _ratio(np.where(met, values, 0.0).sum(-1), met.sum(-1).astype(np.float64))


def _accuracy(tables: Tables) -> Floats:
    return _ratio(_hit(tables).sum(-1), rows_of(tables))


def _precision(tables: Tables) -> Floats:
    answered = _answered(tables)
    return _mean_of_met(_ratio(_hit(tables), answered), answered + _true(tables) >= _MET)


def _recall(tables: Tables) -> Floats:
    true = _true(tables)
    return _mean_of_met(_ratio(_hit(tables), true), _answered(tables) + true >= _MET)


def _f1(tables: Tables) -> Floats:
    both = _answered(tables) + _true(tables)
    return _mean_of_met(_ratio(2.0 * _hit(tables), both), both >= _MET)


def _roc_auc(tables: Tables) -> Floats:
    """One against the rest, the mean over the classes that came and did not always come; ties count one half.

    Source: Provost and Domingos (2003), Tree induction for probability-based ranking, Machine Learning 52(3), 199-215,
    who weigh classes by their share; here each counts alike, as in precision, recall and F1.
    """
    by_chance = tables.sum(-3)
    others, mine = by_chance[..., 0, :], by_chance[..., 1, :]
    beaten = np.cumsum(others, axis=-1) - others / 2.0
    found = _ratio((mine * beaten).sum(-1), others.sum(-1) * mine.sum(-1))
    return _mean_of_met(found, (others.sum(-1) >= _MET) & (mine.sum(-1) >= _MET))


def _log_loss(tables: Tables) -> Floats:
    return _ratio(-(tables[..., 1, :].sum(-2) @ np.log(_CLIPPED)).sum(-1), rows_of(tables))


def clipped_class_log_loss(table: Tables, *, at: float) -> float:
    """As `figures.clipped_log_loss`, over several classes, chances at the middle of their bin. The table has rows.

    >>> round(clipped_class_log_loss(class_table([0, 1], [[0.5, 0.5], [1.0, 0.0]]), at=3.0), 2)
    1.84
    """
    true = np.asarray(table, dtype=np.float64)[..., 1, :].sum(axis=(0, 1))
    return float(true @ np.minimum(-np.log(_CLIPPED), at) / true.sum())


def _brier(tables: Tables) -> Floats:
    every, true = tables.sum((-3, -2)), tables[..., 1, :].sum(-2)
    return _ratio((every @ CENTRES**2 + true @ (1.0 - 2.0 * CENTRES)).sum(-1), rows_of(tables))


def _skill(tables: Tables) -> Floats:
    true = _true(tables)
    shares = _ratio(true, true.sum(-1, keepdims=True))
    uncertain = -np.where(shares > 0.0, shares * np.log(np.where(shares > 0.0, shares, 1.0)), 0.0).sum(-1)
    return np.asarray(1.0 - _log_loss(tables) / np.where(uncertain > 0.0, uncertain, np.nan))


def _calibration_error(tables: Tables) -> Floats:
    """Of the likeliest class, as `reliability.ReliabilitySums.of_classes`, with chances at the middle of their bin."""
    return _ratio(np.abs(_gaps(tables)).sum(-1), rows_of(tables))


def _expected_calibration_error(known: Tables, to_come: Tables) -> Floats:
    """The same with rows to come: what chance adds to each gap is expected, too (the mean of a folded normal).

    Source: Leone, Nelson and Nottingham (1961), Technometrics 3(4), 543-550.
    """
    from scipy import special

    tables = known + to_come
    lost, won = to_come[..., 1, 0, :], to_come[..., 1, 1, :]
    varied = lost * won / np.where(lost + won > 0.0, lost + won, 1.0)
    gaps, spread = _gaps(tables), np.sqrt(varied.sum(-2) @ _GROUP)
    away = gaps / np.where(spread > 0.0, spread, 1.0)
    folded = spread * np.sqrt(2.0 / np.pi) * np.exp(-(away**2) / 2.0) + gaps * (1.0 - 2.0 * special.ndtr(-away))
    return _ratio(np.where(spread > 0.0, folded, np.abs(gaps)).sum(-1), rows_of(tables))


def _gaps(tables: Tables) -> Floats:
    answered = tables[..., 1, :, :]
    return np.asarray((answered[..., 1, :] - answered.sum(-2) * CENTRES).sum(-2) @ _GROUP)


def _together(of: Callable[[Tables], Floats]) -> Callable[[Tables, Tables], Floats]:
    return lambda known, to_come: of(known + to_come)


CLASS_FIGURES: Mapping[str, ClassFigure] = MappingProxyType(
    {
        one.name: one
        for one in (
            ClassFigure("skill", "higher", _skill, _together(_skill), low=-np.inf),
            ClassFigure("roc_auc", "higher", _roc_auc, _together(_roc_auc)),
            ClassFigure("log_loss", "lower", _log_loss, _together(_log_loss), high=np.inf),
            ClassFigure("brier", "lower", _brier, _together(_brier), high=2.0),
            ClassFigure("accuracy", "higher", _accuracy, _together(_accuracy)),
            ClassFigure("precision", "higher", _precision, _together(_precision)),
            ClassFigure("recall", "higher", _recall, _together(_recall)),
            ClassFigure("f1", "higher", _f1, _together(_f1)),
            ClassFigure("calibration_error", "lower", _calibration_error, _expected_calibration_error),
        )
    }
)
"""Every figure by name. Log-loss, Brier score, skill and calibration error read a chance as the middle of its bin."""
