"""A fitted XGBoost estimator as XGBoost's own UBJSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from homeostat.adapters.xgboost.runtime import MODEL
from homeostat.registry.manifest import LAYOUT
from homeostat.registry.models import Kind
from homeostat.training.passing import last_step, layout_of


def takes(estimator: Any) -> bool:
    """Whether the model, or the last step of a pipeline, is XGBoost's, for two classes or for numbers."""
    package, model = sys.modules.get("xgboost"), last_step(estimator)
    if package is None:
        return False
    return isinstance(model, package.XGBRegressor) or (
        isinstance(model, package.XGBClassifier) and len(model.classes_) == 2
    )


def export(estimator: Any, kinds: Mapping[str, Kind]) -> dict[str, bytes]:
    """The files of its native form: the booster up to its best tree, and how features become its columns.

    Raises: Refused where the steps before it do more than pass columns through.
    """
    model = last_step(estimator)
    booster = model.get_booster()
    layout = layout_of(estimator, kinds, _categories(booster) if model.enable_categorical else [])
    if model.early_stopping_rounds is not None:
        booster = booster[: booster.best_iteration + 1]
    return {MODEL: bytes(booster.save_raw("ubj")), LAYOUT: layout.to_bytes()}


def _categories(booster: Any) -> list[list[str]]:
    found = booster.get_categories(export_to_arrow=True).to_arrow() or ()
    return [[str(text) for text in texts.to_pylist()] for _, texts in found if texts is not None]
