"""The model as a peer's user has it: a scikit-learn estimator, or a LightGBM booster."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def estimator(folder: str) -> Any:
    """What was fitted, made again from its figures: no interpreter need trust another's pickle."""
    text = Path(folder) / "model.txt"
    if text.exists():
        import lightgbm

        return lightgbm.Booster(model_file=str(text))
    from sklearn.linear_model import LogisticRegression

    told = json.loads((Path(folder) / "model.json").read_text())
    found = LogisticRegression()
    found.coef_, found.intercept_ = np.array(told["coef"]), np.array(told["intercept"])
    found.classes_, found.n_features_in_ = np.array([False, True]), len(told["coef"][0])
    return found


def predictor(folder: str) -> Callable[[Any], Any]:
    """From rows of 20 numbers to the probability of True of each."""
    model = estimator(folder)
    if hasattr(model, "predict_proba"):
        return lambda rows: model.predict_proba(rows)[:, 1]
    return lambda rows: model.predict(rows, num_threads=1)
