"""What a model loses when one of its features is shuffled among rows that were served, or held still in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.intervals import Interval, block_mean
from homeostat.stats.tasks import BINARY, Task

Columns = Mapping[str, NDArray[Any]]
Score = Callable[[Columns], NDArray[np.float64]]


def permutation_importance(
    score: Score,
    columns: Columns,
    names: Sequence[str],
    labels: NDArray[Any],
    days: NDArray[np.int64],
    *,
    repeats: int = 3,
    seed: int = 0,
    confidence: float = 0.95,
    task: Task = BINARY,
) -> Interval:
    """By how much the loss rises when ``names`` are shuffled together among the rows: in nats per row, or as a share of
    what the best constant number costs.

    The mean of some shuffles, each with its own order; bounds are by day. Exactly 0 when no score moves.
    Raises: NotEnoughData on fewer than 3 days.
    Source: Breiman (2001), Machine Learning 45, 5-32, section 10.
    """
    if not labels.size:
        raise NotEnoughData("No labelled row is there to shuffle.", mend="Wait for labels to mature.", rows=0)
    answers = score(columns)
    before, unit = task.losses(labels, answers), task.sums(labels, answers).unit or 1.0
    drawn = np.random.default_rng(seed)
    rise = np.zeros(labels.size)
    for _ in range(repeats):
        order = drawn.permutation(labels.size)
        shuffled = {**columns, **{name: columns[name][order] for name in names}}
        rise += (task.losses(labels, score(shuffled)) - before) / unit
    return block_mean(rise / repeats, days, confidence=confidence)


def usual_values(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    """The commonest text or the middle number of each column.

    >>> usual_values(pd.DataFrame({"a": [1.0, 5.0, 3.0], "b": ["x", "y", "y"]}), ["a", "b"])
    {'a': 3.0, 'b': 'y'}
    """
    return {name: _usual(frame[name]) for name in names}


def held_still(frame: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """The same rows without what some columns tell: each holds one value everywhere.

    The columns stay, so that any training function still finds those that it names.
    """
    still = {
        name: pd.Series([value] * len(frame), index=frame.index, dtype=frame[name].dtype)
        for name, value in values.items()
    }
    return frame.assign(**still)


def gains(estimator: Any, names: Sequence[str]) -> dict[str, float]:
    """The share of each feature in what the fitted library says its splits gained; empty where it says nothing.

    Understands a last step with LightGBM's booster or scikit-learn's ``feature_importances_``; columns that a
    pipeline makes of a feature count for it.
    """
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    found = _raw_gains(last)
    if found is None:
        return {}
    made = list(names) if last is estimator else _made_names(estimator, names)
    if len(made) != len(found) or not found.sum() > 0:
        return {}
    shares = dict.fromkeys(names, 0.0)
    for column, share in zip(made, found / found.sum(), strict=True):
        origin = _origin(column, names)
        if origin is None:
            return {}
        shares[origin] += float(share)
    return shares


def _usual(values: pd.Series[Any]) -> Any:
    if not pd.api.types.is_numeric_dtype(values):
        counts = values.value_counts()
        return str(counts.index[0]) if len(counts) else ""
    known = values.dropna()
    return float(known.quantile(0.5, interpolation="lower")) if len(known) else 0.0


def _raw_gains(model: Any) -> NDArray[np.float64] | None:
    booster = getattr(model, "booster_", None)
    found = getattr(model, "feature_importances_", None) if booster is None else booster.feature_importance("gain")
    return None if found is None else np.asarray(found, dtype=np.float64)


def _made_names(estimator: Any, names: Sequence[str]) -> list[str]:
    try:
        return [str(name) for name in estimator[:-1].get_feature_names_out(list(names))]
    except Exception:  # a step of any library may not know the names of what it makes
        return []


def _origin(column: str, names: Sequence[str]) -> str | None:
    """The feature that a column of the pipeline was made of: ``codes__carrier`` and ``hot__carrier_UA`` of carrier."""
    plain = column.rpartition("__")[2]
    if plain in names:
        return plain
    began = [name for name in names if plain.startswith(f"{name}_")]
    return max(began, key=len, default=None)
