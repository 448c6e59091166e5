"""The models that every server answers with, and the rows that are asked about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Kind = Literal[
    "logistic regression",
    "LightGBM, 100 trees",
    "XGBoost, 100 trees",
    "imputer and logistic regression",
    "neural network, 2 x 2,048",
]
LOGISTIC: Kind = "logistic regression"
LIGHTGBM: Kind = "LightGBM, 100 trees"
XGBOOST: Kind = "XGBoost, 100 trees"
IMPUTED: Kind = "imputer and logistic regression"
"""What scikit-learn itself can answer while a value is missing, as a version is asked when it is warmed."""
NETWORK: Kind = "neural network, 2 x 2,048"
ROWS = 200
"""Different rows that are asked about, over and over."""
_TRAINED_ON = 5_000


@dataclass(frozen=True, slots=True)
class Made:
    """A fitted estimator, rows to ask it about, and what it says of them."""

    estimator: Any
    names: tuple[str, ...]
    rows: NDArray[np.float32]
    expected: list[float]

    def save_for_peers(self, folder: Path) -> None:
        """The model in its library's own words, from which each peer makes it again; none is held against XGBoost."""
        if hasattr(self.estimator, "booster_"):
            self.estimator.booster_.save_model(folder / "model.txt")
            return
        if not hasattr(self.estimator, "coef_"):
            return  # no peer is asked about it
        told = {"coef": self.estimator.coef_.tolist(), "intercept": self.estimator.intercept_.tolist()}
        (folder / "model.json").write_text(json.dumps(told))


def made(kind: Kind, names: tuple[str, ...], seed: int = 7) -> Made:
    """A classifier of 20 numbers, quick to fit and always the same."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame(rng.normal(size=(_TRAINED_ON, len(names))).astype(np.float32), columns=list(names))
    label = (features.sum(axis=1) + rng.normal(size=_TRAINED_ON) * 3) > 0
    estimator = _estimator(kind).fit(features, label)
    asked = features[:ROWS]
    return Made(estimator, names, asked.to_numpy(), estimator.predict_proba(asked)[:, 1].tolist())


def _estimator(kind: Kind) -> Any:
    if kind == LOGISTIC:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression()
    if kind == NETWORK:
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier((2_048, 2_048), max_iter=1, batch_size=500, random_state=0)
    if kind == IMPUTED:
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        return make_pipeline(SimpleImputer(), LogisticRegression())
    if kind == XGBOOST:
        from xgboost import XGBClassifier

        return XGBClassifier(n_estimators=100, n_jobs=1)
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=100, n_jobs=1, verbose=-1)
