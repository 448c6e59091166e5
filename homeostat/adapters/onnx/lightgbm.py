"""LightGBM as ONNX without a rounding error: every float32 row takes the very same branches."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)

from homeostat.kernel.errors import Refused

_ZIPMAP = {"nocl": [True, False], "zipmap": [True, False, "columns"]}


def register_lightgbm() -> None:
    """Teach skl2onnx to convert LightGBM's estimators; nothing happens without LightGBM. May be repeated."""
    try:
        from lightgbm import LGBMClassifier, LGBMRegressor
    except ImportError:
        return
    update_registered_converter(
        LGBMClassifier,
        "LightGbmLGBMClassifier",
        calculate_linear_classifier_output_shapes,
        _convert_exactly,
        options=_ZIPMAP,
    )
    update_registered_converter(
        LGBMRegressor, "LightGbmLGBMRegressor", calculate_linear_regressor_output_shapes, _convert_exactly
    )


def _convert_exactly(scope: Any, operator: Any, container: Any) -> None:
    operator.raw_operator = _Exact(operator.raw_operator)
    convert_lightgbm(scope, operator, container)


class _Exact:
    """An estimator whose trees are rewritten so that float32 ONNX decides as LightGBM does in double."""

    is_mock = True  # the converter then reads the trees by dump_model()

    def __init__(self, model: Any) -> None:
        self.classes_, self.boosting_type = getattr(model, "classes_", None), model.boosting_type
        self.booster_ = self
        self._booster = model.booster_

    def dump_model(self) -> dict[str, Any]:
        dumped: dict[str, Any] = self._booster.dump_model()
        for tree in dumped["tree_info"]:
            _rewrite(tree["tree_structure"])
        return dumped


def _rewrite(root: dict[str, Any]) -> None:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if "decision_type" not in node:
            continue
        if node["decision_type"] == "<=":
            _rewrite_comparison(node)
        waiting += [node["left_child"], node["right_child"]]


def _rewrite_comparison(node: dict[str, Any]) -> None:
    if node["missing_type"] == "Zero":
        mend = "Write missing numbers as NaN and leave it off."
        raise Refused("LightGBM's zero_as_missing has no ONNX form.", mend=mend)
    if node["missing_type"] == "None":  # LightGBM then reads NaN as 0
        node["default_left"] = bool(node["threshold"] >= 0.0)
    node["threshold"] = floor32(float(node["threshold"]))


def floor32(value: float) -> float:
    """The greatest float32 that is not above ``value``: a float32 is below both or above both.

    >>> floor32(0.1) <= 0.1 < float(np.nextafter(np.float32(floor32(0.1)), np.float32(1)))
    True
    """
    with np.errstate(over="ignore"):
        near = np.float32(value)
    return float(near if float(near) <= value else np.nextafter(near, np.float32(-np.inf)))
