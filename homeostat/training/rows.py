"""What a training function is given, in the very form in which the model is later asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from homeostat.features.views import FeatureKind

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Rows to train on, oldest first.

    ``features`` has one column per feature in order: numbers as float32 with NaN for missing, texts as
    strings with "" for missing. ``label`` is the truth, ``asked_at`` the instant of each question.
    """

    features: pd.DataFrame
    label: NDArray[np.bool_]
    asked_at: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_] | pd.Series[bool]) -> TrainingRows:
        """Some of the rows: those for which ``chosen``, one boolean per row, is true."""
        kept = np.asarray(chosen, dtype=bool)
        return TrainingRows(self.features[kept].reset_index(drop=True), self.label[kept], self.asked_at[kept])


def model_frame(columns: Columns, kinds: Mapping[str, FeatureKind]) -> pd.DataFrame:
    """Features as a model sees them, when it is trained and when it serves.

    >>> frame = model_frame({"a": np.array([0.1]), "b": np.array([None])}, {"a": "number", "b": "text"})
    >>> str(frame["a"].dtype), frame["b"].tolist()
    ('float32', [''])
    """
    made = {name: _model_column(columns[name], kind) for name, kind in kinds.items()}
    return pd.DataFrame(made)


def _model_column(values: NDArray[Any], kind: FeatureKind) -> pd.Series[Any]:
    if kind == "text":
        return pd.Series(["" if value is None else str(value) for value in values], dtype=object)
    with np.errstate(over="ignore"):  # beyond float32 is infinite, in training as in serving
        return pd.Series(values.astype(np.float32))
