"""The contract of training data: what rows must be before a model is fitted to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import NotEnoughData, Refused
from homeostat.stats.metrics import roc_auc
from homeostat.training.rows import TrainingRows
from homeostat.training.training_set import LabelledRows

MIN_OF_CLASS = 20
"""With fewer rows of an outcome nothing can be learnt about it."""
TELLING = 0.99
"""The AUC of one feature by itself from which it tells the answer."""
MAX_MISSING = 0.98
"""A feature missing in a greater share of the rows means that its table is broken, not that it is rare."""


def check_training_rows(rows: TrainingRows, *, min_rows: int) -> None:
    """Refuse rows that no model should be fitted to.

    Raises: Refused when there are too few rows, too few of one outcome, or a feature is as good as absent:
    retraining on broken data would make it permanent.
    """
    count = rows.label.size
    if count < min_rows:
        raise Refused(
            f"{count} labelled rows are too few to train on; {min_rows} are the least.",
            mend="Wait for more labels to mature, or lower the loop's min_rows.",
            rows=count,
            least=min_rows,
        )
    positive = int(rows.label.sum())
    for outcome, found in ((True, positive), (False, count - positive)):
        if found < MIN_OF_CLASS:
            raise Refused(
                f"Only {found} of {count} labels are {outcome}; {MIN_OF_CLASS} are the least.",
                mend="Look at the label's condition, or train on a longer span.",
                rows=count,
                positive=positive,
            )
    _refuse_absent_features(rows)


def telling_features(rows: LabelledRows) -> list[str]:
    """Numbers that order the rows by their label almost without fault: hardly ever what was known when asked."""
    return [name for name, values in rows.columns.items() if values.dtype != object and _tells(values, rows.label)]


def _tells(values: NDArray[np.float64], label: NDArray[np.bool_]) -> bool:
    known = ~np.isnan(values)
    try:
        places = np.unique(values[known], return_inverse=True)[1]
        found = roc_auc(label[known], places / max(1, places.size))
    except NotEnoughData:
        return False
    return max(found, 1 - found) >= TELLING


def _refuse_absent_features(rows: TrainingRows) -> None:
    missing = {name: _missing_share(rows, name) for name in rows.features.columns}
    absent = {name: share for name, share in missing.items() if share > MAX_MISSING}
    if absent:
        name, share = next(iter(absent.items()))
        raise Refused(
            f"Feature {name!r} is missing in {share:.1%} of the training rows.",
            mend="Look at the table it is computed from: is it still fed? If not needed, drop the feature.",
            missing=absent,
        )


def _missing_share(rows: TrainingRows, name: str) -> float:
    values = rows.features[name]
    absent = values == "" if values.dtype == object else values.isna()
    return float(np.mean(absent.to_numpy()))
