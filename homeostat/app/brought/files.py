"""Files of models from elsewhere, read without unpickling anything: scikit-learn, LightGBM, XGBoost, ONNX."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from homeostat.kernel.errors import HomeostatError, InvalidInput, Unavailable

_BINARY = ("binary", "cross_entropy", "xentropy")
_CLASSES = ("multiclass",)
_NUMBERS = (
    *("regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie"),
    *("reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror"),
    *("reg:linear", "reg:gamma", "reg:tweedie", "reg:logistic", "count:poisson"),
)


def suffixes() -> tuple[str, ...]:
    """Of files that are models."""
    return tuple(_READERS)


def is_model(file: str) -> bool:
    """Whether a file's name says that it is a model."""
    return Path(file).suffix.lower() in _READERS


def read_model(file: Path) -> Any:
    """The classifier or regressor in a file.

    Raises: InvalidInput for what is none; Unavailable where its library is not installed.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise InvalidInput(
            f"{file.name} is no model that can be read without unpickling it.",
            mend="Save it as .skops (scikit-learn), .txt (LightGBM), .json or .ubj (XGBoost), or .onnx.",
            file=str(file),
        )
    try:
        return reader(file)
    except ImportError as error:
        raise Unavailable(
            f"{file.name} needs {error.name}, which is not installed here.",
            mend="Install it where versions are trained and served: homeostat[xgboost], or lightgbm.",
            file=str(file),
        ) from error


def _skops(file: Path) -> Any:
    from skops.io import loads

    from homeostat.adapters.skops.trusted import TRUSTED, must_be_trusted

    content = file.read_bytes()
    try:
        must_be_trusted(file.name, content)
        return loads(content, trusted=list(TRUSTED))
    except HomeostatError:
        raise
    except Exception as error:  # whatever a file that is none leads to
        raise _unreadable(file, "skops", error) from error


def _lightgbm(file: Path) -> Any:
    from lightgbm import Booster, LGBMClassifier, LGBMRegressor
    from lightgbm.basic import LightGBMError
    from sklearn.preprocessing import LabelEncoder

    try:
        booster = Booster(model_file=str(file))
    except LightGBMError as error:
        raise _unreadable(file, "LightGBM's text", error) from error
    if booster.pandas_categorical:
        raise InvalidInput(
            f"{file.name} takes categories.",
            mend="Bring a model of numbers, or write a loop file that trains it.",
            file=str(file),
        )
    width, objective = booster.num_feature(), _objective_in(file)
    own = {"_Booster": booster, "fitted_": True, "_n_features": width, "_n_features_in": width, "_objective": objective}
    if objective in _NUMBERS:
        model = LGBMRegressor(n_jobs=1, verbosity=-1)
    elif objective in _BINARY or objective in _CLASSES:
        model = LGBMClassifier(n_jobs=1, verbosity=-1)
        encoder = LabelEncoder().fit(np.arange(max(2, booster.num_model_per_iteration())))
        own |= {"_le": encoder, "_classes": encoder.classes_, "_n_classes": len(encoder.classes_)}
    else:
        raise _of_no_use(file, objective)
    for name, value in own.items():
        setattr(model, name, value)
    return model


def _objective_in(file: Path) -> str:
    """What a booster was trained for, as its text says: ``objective=multiclass num_class:3``."""
    head, _, _ = file.read_text(errors="replace").partition("\nTree=0")
    found = next((line for line in head.splitlines() if line.startswith("objective=")), "")
    return found.removeprefix("objective=").partition(" ")[0]


def _xgboost(file: Path) -> Any:
    from xgboost import Booster, XGBClassifier, XGBRegressor
    from xgboost.core import XGBoostError

    try:
        content = bytearray(file.read_bytes())
        told = json.loads(Booster(model_file=content).save_config())["learner"]["objective"]["name"]
        if told in _NUMBERS:
            model = XGBRegressor(n_jobs=1)
        elif told in ("binary:logistic", "multi:softprob"):
            model = XGBClassifier(n_jobs=1)
        else:
            raise _of_no_use(file, told)
        model.load_model(content)
    except (XGBoostError, ValueError, TypeError, KeyError) as error:
        raise _unreadable(file, "XGBoost's", error) from error
    return model


def _onnx(file: Path) -> Any:
    from homeostat.adapters.onnx.brought import BroughtOnnx

    return BroughtOnnx(file.read_bytes())


def _of_no_use(file: Path, objective: str) -> InvalidInput:
    return InvalidInput(
        f"{file.name} was trained for {objective or 'an objective of its own'}: it gives neither probabilities nor"
        " numbers that can be judged.",
        mend="Bring a model for binary, multiclass (multi:softprob) or regression.",
        file=str(file),
    )


def _unreadable(file: Path, form: str, error: Exception) -> InvalidInput:
    """XGBoost begins with its source's line, and adds the stack of its own code: neither says anything of the file."""
    said = re.sub(r"^\[[\d:]+\] \S+ ", "", str(error).partition("Stack trace:")[0])
    return InvalidInput(
        f"{file.name} cannot be read as a model in {form} form: {' '.join(said.split())[:200].rstrip('.')}.",
        mend="Save it again with the library's own function, under the suffix that belongs to it.",
        file=str(file),
    )


_READERS: dict[str, Callable[[Path], Any]] = {
    ".skops": _skops,
    ".txt": _lightgbm,
    ".lgb": _lightgbm,
    ".json": _xgboost,
    ".ubj": _xgboost,
    ".xgb": _xgboost,
    ".onnx": _onnx,
}
