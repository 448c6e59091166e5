"""scikit-learn's histogram gradient boosting as ONNX, on the versions in use and without a rounding error."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.common import _registration
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from homeostat.adapters.onnx.lightgbm import floor32
from homeostat.kernel.errors import Refused

_ALIAS = "SklearnHistGradientBoostingClassifier"
_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "raw_scores": [True, False],
    "nocl": [True, False],
    "output_class_labels": [False, True],
}
_OF_NUMBERS = "SklearnHistGradientBoostingRegressor"
_theirs = _registration.get_converter(_ALIAS)
_theirs_of_numbers = _registration.get_converter(_OF_NUMBERS)


def register_histogram() -> None:
    """Teach skl2onnx to convert scikit-learn's histogram gradient boosting. May be repeated."""
    shapes = _registration.get_shape_calculator(_ALIAS)
    update_registered_converter(HistGradientBoostingClassifier, _ALIAS, shapes, _convert_exactly, options=_OPTIONS)
    shapes = _registration.get_shape_calculator(_OF_NUMBERS)
    update_registered_converter(HistGradientBoostingRegressor, _OF_NUMBERS, shapes, _convert_numbers)


def _convert_exactly(scope: Any, operator: Any, container: Any) -> None:
    operator.raw_operator = _with_float32_thresholds(operator.raw_operator)
    _theirs(scope, operator, _PlainNumbers(container))


def _convert_numbers(scope: Any, operator: Any, container: Any) -> None:
    operator.raw_operator = _with_float32_thresholds(operator.raw_operator)
    _theirs_of_numbers(scope, operator, _PlainNumbers(container))


def _with_float32_thresholds(model: Any) -> Any:
    made = copy.copy(model)
    made._predictors = [[_rewritten(tree) for tree in trees] for trees in model._predictors]
    return made


def _rewritten(tree: Any) -> Any:
    made = copy.copy(tree)
    made.nodes = tree.nodes.copy()
    if made.nodes["is_categorical"].any():
        raise Refused(
            "Splits on categories have no ONNX form.",
            mend="Leave categorical_features off and encode texts by OrdinalEncoder.",
        )
    made.nodes["num_threshold"] = [floor32(float(value)) for value in tree.nodes["num_threshold"]]
    return made


class _PlainNumbers:
    """A container that takes lists in which Python's and NumPy's numbers are mixed."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *arguments: Any, **attributes: Any) -> Any:
        plain = {name: _plain(value) for name, value in attributes.items()}
        return self._container.add_node(*arguments, **plain)


def _plain(value: Any) -> Any:
    mixed = isinstance(value, list) and any(isinstance(item, np.generic) for item in value)
    return np.asarray(value).tolist() if mixed else value
