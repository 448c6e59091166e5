"""A fitted LightGBM estimator as LightGBM's own text."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from homeostat.adapters.lightgbm.runtime import MODEL
from homeostat.registry.manifest import LAYOUT
from homeostat.registry.models import Kind
from homeostat.training.passing import last_step, layout_of


def takes(estimator: Any) -> bool:
    """Whether the model, or the last step of a pipeline, is LightGBM's, for two classes or for numbers."""
    package, model = sys.modules.get("lightgbm"), last_step(estimator)
    if package is None:
        return False
    return isinstance(model, package.LGBMRegressor) or (
        isinstance(model, package.LGBMClassifier) and len(model.classes_) == 2
    )


def export(estimator: Any, kinds: Mapping[str, Kind]) -> dict[str, bytes]:
    """The files of its native form: the booster as text, and how features become its columns.

    Raises: Refused where the steps before it do more than pass columns through.
    """
    booster = last_step(estimator).booster_
    texts = [[str(text) for text in found] for found in booster.pandas_categorical or ()]
    layout = layout_of(estimator, kinds, texts)
    return {MODEL: booster.model_to_string().encode(), LAYOUT: layout.to_bytes()}
