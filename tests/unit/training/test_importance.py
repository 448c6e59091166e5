"""What a model loses without a feature is measured on the very columns that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier

from homeostat.kernel.errors import NotEnoughData
from homeostat.training.importance import gains, held_still, permutation_importance, usual_values

SIZE = 2_000
RNG = np.random.default_rng(5)
USED, IDLE = RNG.normal(size=SIZE), RNG.normal(size=SIZE)
LABELS = RNG.random(SIZE) < 1 / (1 + np.exp(-2 * USED))
DAYS = np.arange(SIZE) // 100
COLUMNS: dict[str, Any] = {"used": USED, "idle": IDLE, "shop": RNG.choice(["a", "b"], SIZE).astype(object)}


def score(columns: Mapping[str, Any]) -> Any:
    return 1 / (1 + np.exp(-2 * columns["used"]))


def importance(*names: str, seed: int = 0) -> Any:
    return permutation_importance(score, COLUMNS, names, LABELS, DAYS, seed=seed)


def test_shuffling_what_a_model_uses_costs_and_the_rest_costs_exactly_nothing() -> None:
    assert importance("used").low > 0.1
    idle = importance("idle", "shop")
    assert (idle.value, idle.low, idle.high) == (0.0, 0.0, 0.0)
    assert importance("used", "idle").value == pytest.approx(importance("used").value)


def test_the_same_seed_gives_the_same_figure() -> None:
    assert importance("used") == importance("used")
    assert importance("used") != importance("used", seed=1)


def test_no_rows_and_few_days_are_not_enough() -> None:
    nothing = {name: values[:0] for name, values in COLUMNS.items()}
    with pytest.raises(NotEnoughData):
        permutation_importance(score, nothing, ["used"], LABELS[:0], DAYS[:0])
    with pytest.raises(NotEnoughData):
        permutation_importance(score, COLUMNS, ["used"], LABELS, DAYS // 10)


def test_what_is_held_still_keeps_its_kind_and_tells_nothing() -> None:
    frame = pd.DataFrame(
        {
            "n": np.array([1, np.nan, 3, 3], np.float32),
            "t": pd.Series(["x", "", "x", "y"], dtype=object),
            "gone": np.nan,
        }
    ).astype({"gone": np.float32})
    still = held_still(frame, usual_values(frame, ["n", "t", "gone"]))
    assert still.dtypes.tolist() == frame.dtypes.tolist()
    assert still.to_dict("list") == {"n": [3.0] * 4, "t": ["x"] * 4, "gone": [0.0] * 4}
    assert frame["t"].tolist() == ["x", "", "x", "y"]


def fitted(encoder: Any, model: Any) -> Any:
    columns = ColumnTransformer([("hot", encoder, ["shop"])], remainder="passthrough")
    return Pipeline([("columns", columns), ("model", model)]).fit(pd.DataFrame(COLUMNS), LABELS)


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder()])
def test_gains_of_columns_that_a_pipeline_made_count_for_their_feature(encoder: Any) -> None:
    found = gains(fitted(encoder, DecisionTreeClassifier(max_depth=6, random_state=0)), list(COLUMNS))
    assert list(found) == ["used", "idle", "shop"]
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["used"] > 0.7


def test_gains_of_lightgbm_are_what_its_splits_gained() -> None:
    from lightgbm import LGBMClassifier

    trees = LGBMClassifier(n_estimators=5, verbosity=-1, n_jobs=1)
    found = gains(fitted(OrdinalEncoder(), trees), list(COLUMNS))
    assert found["used"] > 0.8
    alone = LGBMClassifier(n_estimators=5, verbosity=-1, n_jobs=1).fit(
        pd.DataFrame({"used": USED, "idle": IDLE}), LABELS
    )
    assert sum(gains(alone, ["used", "idle"]).values()) == pytest.approx(1.0)


def test_a_library_that_tells_no_gains_has_none() -> None:
    assert gains(fitted(OneHotEncoder(), LogisticRegression()), list(COLUMNS)) == {}
    assert gains(object(), ["a"]) == {}
