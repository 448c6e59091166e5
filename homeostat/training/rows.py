"""What a training function is given, in the very form in which the model is later asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    strings with "" for missing. ``label`` is the truth, ``asked_at`` the instant of each question. ``stands_for``
    is how many rows each is one of where callers act on predictions (`data.feedback`); None where each is one.
    """

    features: pd.DataFrame
    label: NDArray[np.bool_]
    asked_at: NDArray[np.int64]
    stands_for: NDArray[np.int64] | None = None
    _read: list[bool] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def weight(self) -> NDArray[np.float64]:
        """What each row counts, for ``fit(..., sample_weight=rows.weight)``: above 1 where it stands for others."""
        self._read.append(True)
        return np.ones(self.label.size) if self.stands_for is None else self.stands_for.astype(np.float64)

    @property
    def weights_ignored(self) -> bool:
        """Whether rows count otherwise than alike, and nobody has asked for `weight`."""
        return self.stands_for is not None and bool((self.stands_for != 1).any()) and not self._read

    def unweighted(self) -> TrainingRows:
        """The same rows, each counting one."""
        return TrainingRows(self.features, self.label, self.asked_at)

    def where(self, chosen: NDArray[np.bool_] | pd.Series[bool]) -> TrainingRows:
        """Some of the rows: those for which ``chosen``, one boolean per row, is true."""
        kept = np.asarray(chosen, dtype=bool)
        stands_for = None if self.stands_for is None else self.stands_for[kept]
        features = self.features[kept].reset_index(drop=True)
        return TrainingRows(features, self.label[kept], self.asked_at[kept], stands_for)


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
