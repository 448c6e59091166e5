"""Every figure of a yes-or-no scorer from counts by score, whether rows were counted or are only expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats
from homeostat.stats.figures import sums
from homeostat.stats.figures.calibration import CENTRES
from homeostat.stats.figures.operating import EDGES
from homeostat.stats.figures.sums import SCORE_BINS, ScoreSums
from homeostat.stats.intervals import Interval, jackknife
from homeostat.stats.metrics import CLIP

GROUPS = 16
"""Groups of bins in which scores are held against outcomes for the calibration error."""
_CLIPPED: Floats = np.clip(CENTRES, CLIP, 1.0 - CLIP)
Better = Literal["lower", "higher", "neither"]
Tables = NDArray[np.float64]
"""Rows by outcome (false, true) and bin of score: shape (..., 2, bins)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that tables of counts define: ``of(tables, cut)`` gives NaN where it is undefined.

    A row is answered yes from bin ``cut`` on. ``expected(known, to_come, cut)`` is what ``of`` will give once the rows
    to come, of which only expected counts are there, are known too. It lies in [``low``, ``high``].
    """

    name: str
    better: Better
    of: Callable[[Tables, int], Floats]
    expected: Callable[[Tables, Tables, int], Floats]
    low: float = 0.0
    high: float = 1.0
    unit: str = ""


def table_of(block: ScoreSums) -> Tables:
    """The counts of one block: shape (2, bins)."""
    return np.array([block.negatives_by_score, block.positives_by_score], dtype=np.float64)


def cut_of(threshold: float) -> int:
    """The bin from which rows are answered yes: the edge nearest to ``threshold``, as scores are told apart by bins.

    Raises: InvalidInput outside (0, 1).

    >>> cut_of(0.5), round(float(EDGES[cut_of(0.2)]), 3)
    (256, 0.2)
    """
    if not 0.0 < threshold < 1.0:
        raise InvalidInput(f"{threshold} is no threshold.", mend="Pass a probability in (0, 1).", threshold=threshold)
    return int(np.abs(EDGES - threshold).argmin())


def figure_of(name: str, table: ArrayLike, *, threshold: float = 0.5) -> float:
    """One figure of counted rows.

    Args: ``table`` has rows by outcome (false, true) and bin of score; see `FIGURES` for names.
    Raises: NotEnoughData where it is undefined: no rows, one class, nothing answered yes; InvalidInput for another
    shape or name.

    >>> day = table_of(ScoreSums.of([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.2]))
    >>> figure_of("precision", day), figure_of("recall", day), figure_of("roc_auc", day)
    (0.5, 0.5, 0.75)
    """
    counted = np.asarray(table, dtype=np.float64)
    if name not in FIGURES or counted.shape != (2, SCORE_BINS) or not np.isfinite(counted).all():
        raise InvalidInput(
            f"No figure {name!r} of a table of shape {counted.shape}.",
            mend=f"Ask for one of {', '.join(FIGURES)}, of rows by outcome and score.",
            name=name,
        )
    found = float(FIGURES[name].of(counted, cut_of(threshold)))
    if not np.isfinite(found):
        raise undefined(name, counted)
    return found


def clipped_log_loss(table: Tables, *, at: float) -> float:
    """Mean log-loss in nats where no row counts more than ``at``: bounded, so that bounds can hold at every look.

    Raises: NotEnoughData without rows.

    >>> day = table_of(ScoreSums.of([1, 1], [0.5, 0.0001]))
    >>> round(clipped_log_loss(day, at=3.0), 2)
    1.85
    """
    rows = float(table.sum())
    if not rows:
        raise undefined("clipped log-loss", table)
    lost = np.stack([-np.log1p(-_CLIPPED), -np.log(_CLIPPED)])
    return float((table * np.minimum(lost, at)).sum() / rows)


def undefined(name: str, table: Tables) -> NotEnoughData:
    """Why a figure has no value."""
    negatives, positives = (float(one) for one in table.sum(axis=-1))
    return NotEnoughData(
        f"{name} is undefined of {negatives:g} rows that came out false and {positives:g} true.",
        mend="Take a longer span, so that both outcomes and answers occur.",
        negatives=negatives,
        positives=positives,
    )


def _accuracy(tables: Tables, cut: int) -> Floats:
    right = tables[..., 0, :cut].sum(-1) + tables[..., 1, cut:].sum(-1)
    return _ratio(right, _rows(tables))


def _precision(tables: Tables, cut: int) -> Floats:
    found = tables[..., 1, cut:].sum(-1)
    return _ratio(found, found + tables[..., 0, cut:].sum(-1))


def _recall(tables: Tables, cut: int) -> Floats:
    return _ratio(tables[..., 1, cut:].sum(-1), tables[..., 1, :].sum(-1))


def _f1(tables: Tables, cut: int) -> Floats:
    found = tables[..., 1, cut:].sum(-1)
    return _ratio(2.0 * found, found + tables[..., 0, cut:].sum(-1) + tables[..., 1, :].sum(-1))


def _roc_auc(tables: Tables, cut: int) -> Floats:
    del cut
    negatives, positives = tables[..., 0, :], tables[..., 1, :]
    beaten = np.cumsum(negatives, axis=-1) - negatives / 2.0
    return _ratio((positives * beaten).sum(-1), negatives.sum(-1) * positives.sum(-1))


def _log_loss(tables: Tables, cut: int) -> Floats:
    del cut
    lost = -(tables[..., 1, :] @ np.log(_CLIPPED) + tables[..., 0, :] @ np.log1p(-_CLIPPED))
    return _ratio(lost, _rows(tables))


def _brier(tables: Tables, cut: int) -> Floats:
    del cut
    return _ratio(tables[..., 1, :] @ (1.0 - CENTRES) ** 2 + tables[..., 0, :] @ CENTRES**2, _rows(tables))


def _base_rate(tables: Tables, cut: int) -> Floats:
    del cut
    return _ratio(tables[..., 1, :].sum(-1), _rows(tables))


def _skill(tables: Tables, cut: int) -> Floats:
    rate = _base_rate(tables, cut)
    some = np.where((rate > 0.0) & (rate < 1.0), rate, np.nan)
    return 1.0 - _log_loss(tables, cut) / -(some * np.log(some) + (1.0 - some) * np.log1p(-some))


def _calibration_error(tables: Tables, cut: int) -> Floats:
    """Mean gap, over groups of scores, between what was predicted and what came true.

    Source: Naeini, Cooper and Hauskrecht (2015), AAAI, 2901-2907, here with groups equally wide in arcsin(sqrt(score)).
    """
    del cut
    return _ratio(np.abs(_gaps(tables)).sum(-1), _rows(tables))


def _expected_calibration_error(known: Tables, to_come: Tables, cut: int) -> Floats:
    """The same with rows to come: what chance adds to each gap is expected, too (the mean of a folded normal).

    Source: Leone, Nelson and Nottingham (1961), Technometrics 3(4), 543-550.
    """
    del cut
    from scipy import special

    tables = known + to_come
    gaps = _gaps(tables)
    spread = np.sqrt(_grouped(_ratio(to_come[..., 0, :] * to_come[..., 1, :], to_come.sum(-2), empty=0.0)))
    away = _ratio(gaps, spread, empty=0.0)
    folded = spread * np.sqrt(2.0 / np.pi) * np.exp(-(away**2) / 2.0) + gaps * (1.0 - 2.0 * special.ndtr(-away))
    return _ratio(np.where(spread > 0.0, folded, np.abs(gaps)).sum(-1), _rows(tables))


def _gaps(tables: Tables) -> Floats:
    return _grouped(tables[..., 1, :] - tables.sum(-2) * CENTRES)


def _grouped(values: Floats) -> Floats:
    return np.asarray(values.reshape(*values.shape[:-1], GROUPS, -1).sum(-1))


def _rows(tables: Tables) -> Floats:
    return np.asarray(tables.sum((-2, -1)))


def _ratio(part: Floats, whole: Floats, *, empty: float = np.nan) -> Floats:
    safe = np.where(whole > 0.0, whole, 1.0)
    return np.where(whole > 0.0, part / safe, empty)


def _all_together(of: Callable[[Tables, int], Floats]) -> Callable[[Tables, Tables, int], Floats]:
    return lambda known, to_come, cut: of(known + to_come, cut)


FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        one.name: one
        for one in (
            Figure("skill", "higher", _skill, _all_together(_skill), low=-np.inf),
            Figure("roc_auc", "higher", _roc_auc, _all_together(_roc_auc)),
            Figure("log_loss", "lower", _log_loss, _all_together(_log_loss), high=np.inf, unit="nats"),
            Figure("brier", "lower", _brier, _all_together(_brier)),
            Figure("accuracy", "higher", _accuracy, _all_together(_accuracy)),
            Figure("precision", "higher", _precision, _all_together(_precision)),
            Figure("recall", "higher", _recall, _all_together(_recall)),
            Figure("f1", "higher", _f1, _all_together(_f1)),
            Figure("calibration_error", "lower", _calibration_error, _expected_calibration_error),
            Figure("base_rate", "neither", _base_rate, _all_together(_base_rate)),
        )
    }
)
"""Every figure by name. Log-loss, Brier score and skill read a row's score as the middle of its bin."""


def figure_interval(
    name: str, blocks: Sequence[ScoreSums], *, threshold: float = 0.5, confidence: float = 0.95
) -> Interval:
    """One figure of all blocks with bounds by leaving out a block at a time; for one fixed look.

    Where `sums` has the exact figure (log-loss, Brier score, skill, AUC, base rate), it is that.
    Raises: NotEnoughData with fewer than 3 blocks with rows, or where it is undefined without one of them;
    InvalidInput as `figure_of`.

    >>> day = ScoreSums.of([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.2])
    >>> found = figure_interval("recall", [day, day, day])
    >>> found.value, found.blocks
    (0.5, 3)
    """
    if name in _EXACT:
        return _EXACT[name](blocks, confidence=confidence)
    used = [table_of(block) for block in blocks if block.rows]
    return jackknife(
        lambda total: figure_of(name, total.reshape(2, SCORE_BINS), threshold=threshold),
        np.reshape(used, (len(used), 2 * SCORE_BINS)),
        rows=int(np.sum(used)),
        confidence=confidence,
    )


_EXACT: Mapping[str, Callable[..., Interval]] = MappingProxyType(
    {
        "skill": sums.skill_interval,
        "roc_auc": sums.auc_interval,
        "log_loss": sums.log_loss_interval,
        "brier": sums.brier_interval,
        "base_rate": sums.base_rate_interval,
    }
)
