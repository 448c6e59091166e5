"""The contract of training data: what rows must be before a model is fitted to them."""

from __future__ import annotations

import numpy as np

from homeostat.kernel.errors import Refused
from homeostat.kernel.words import plural
from homeostat.training.rows import TrainingRows

MIN_OF_CLASS = 20
"""With fewer rows of an outcome nothing can be learnt about it."""
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
    if rows.label.dtype == np.bool_:
        _refuse_one_outcome(rows)
    elif rows.label.dtype.kind == "f":
        _refuse_one_number(rows)
    else:
        _refuse_one_class(rows)
    _refuse_absent_features(rows)


def _refuse_one_outcome(rows: TrainingRows) -> None:
    count, positive = rows.label.size, int(rows.label.sum())
    for outcome, found in ((True, positive), (False, count - positive)):
        if found < MIN_OF_CLASS:
            raise Refused(
                f"Only {found} of {count} labels are {outcome}; {MIN_OF_CLASS} are the least.",
                mend="Look at the label's condition, or train on a longer span.",
                rows=count,
                positive=positive,
            )


def _refuse_one_number(rows: TrainingRows) -> None:
    if float(rows.label.min()) == float(rows.label.max()):
        raise Refused(
            f"All {rows.label.size} labels are {float(rows.label[0]):g}: there is nothing to learn.",
            mend="Look at the label's expression, or train on a longer span.",
            rows=rows.label.size,
        )


def _refuse_one_class(rows: TrainingRows) -> None:
    """A rare class may be absent; a second one with rows enough there must be."""
    names, counts = np.unique(rows.label, return_counts=True)
    enough = int((counts >= MIN_OF_CLASS).sum())
    if enough < 2:
        told = {str(name): int(found) for name, found in zip(names, counts, strict=True)}
        raise Refused(
            f"Of {plural(rows.label.size, 'label')} only {enough} class has {MIN_OF_CLASS} or more; two are the least.",
            mend="Look at the label's column and its classes, or train on a longer span.",
            rows=rows.label.size,
            classes=told,
        )


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
