"""Models from elsewhere, for a loop to serve as they are: files that are read without unpickling anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from homeostat.kernel.errors import IntegrityError, InvalidInput, NotFound, Unavailable
from homeostat.registry.manifest import hash_file

_NAMELESS = ("Column_", "f")


def load_model(file: Path, features: Sequence[str], sha256: str) -> Any:
    """The classifier in a file, as a training function returns it, to be asked about columns named ``features``.

    Raises: NotFound and IntegrityError where the file is not the one that was brought; InvalidInput for what is no
    binary classifier.
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", mend="Put the model of the loop back.", file=str(file))
    if hash_file(file) != sha256:
        raise IntegrityError(
            f"{file} is not the model that the loop file names.",
            mend="Put it back; or, if it was meant to change, write its SHA-256 into the loop's config.",
            file=str(file),
        )
    return read_model(file, features)


def suffixes() -> tuple[str, ...]:
    """Of files that are models."""
    return tuple(_READERS)


def is_model(file: str) -> bool:
    """Whether a file's name says that it is a model."""
    return Path(file).suffix.lower() in _READERS


def read_model(file: Path, features: Sequence[str] | None = None) -> Any:
    """The classifier in a file; ``features`` are the names under which it will be given its columns.

    Raises: InvalidInput for what is none.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise InvalidInput(
            f"{file.name} is no model that can be read without unpickling it.",
            mend="Save it as .skops (scikit-learn), .txt (LightGBM), .json or .ubj (XGBoost), or .onnx.",
            file=str(file),
        )
    try:
        return reader(file, features)
    except ImportError as error:
        raise Unavailable(
            f"{file.name} needs {error.name}, which is not installed here.",
            mend="Install it where versions are trained and served: homeostat[xgboost], or lightgbm.",
            file=str(file),
        ) from error


def names_in(model: Any) -> list[str] | None:
    """The features that a model says it was trained on, in order; None where it does not say."""
    steps = [getattr(model, "names", None), getattr(model, "feature_names_in_", None), _of_booster(model)]
    found = next((list(map(str, one)) for one in steps if one is not None and len(one)), None)
    if found is None or all(name == f"{prefix}{place}" for prefix in _NAMELESS[:1] for place, name in enumerate(found)):
        return None
    return found


def width_of(model: Any) -> int | None:
    """How many features it takes, where it says so."""
    found = getattr(model, "width", None) or getattr(model, "n_features_in_", None)
    return None if found is None else int(found)


def _of_booster(model: Any) -> Sequence[str] | None:
    if hasattr(model, "booster_"):
        return list(model.booster_.feature_name())
    if hasattr(model, "get_booster"):
        return list(model.get_booster().feature_names or [])
    return None


def _skops(file: Path, features: Sequence[str] | None) -> Any:
    from skops.io import loads

    from homeostat.adapters.skops.trusted import TRUSTED, must_be_trusted

    content = file.read_bytes()
    try:
        must_be_trusted(file.name, content)
        return loads(content, trusted=list(TRUSTED))
    except (BadZipFile, ValueError, KeyError, OSError, TypeError) as error:
        raise _unreadable(file, "skops", error) from error


def _lightgbm(file: Path, features: Sequence[str] | None) -> Any:
    from lightgbm import Booster, LGBMClassifier
    from lightgbm.basic import LightGBMError
    from sklearn.preprocessing import LabelEncoder

    try:
        booster = Booster(model_file=str(file))
    except LightGBMError as error:
        raise _unreadable(file, "LightGBM's text", error) from error
    if booster.num_model_per_iteration() != 1 or booster.pandas_categorical:
        raise InvalidInput(
            f"{file.name} has several classes, or takes categories.",
            mend="Bring a binary classifier of numbers, or write a loop file that trains it.",
            file=str(file),
        )
    classes = LabelEncoder().fit([0, 1])
    model = LGBMClassifier(n_jobs=1, verbosity=-1)
    width = booster.num_feature()
    own = {"_Booster": booster, "fitted_": True, "_le": classes, "_classes": classes.classes_, "_n_classes": 2}
    for name, value in {**own, "_n_features": width, "_n_features_in": width, "_objective": "binary"}.items():
        setattr(model, name, value)
    return model


def _xgboost(file: Path, features: Sequence[str] | None) -> Any:
    from xgboost import XGBClassifier
    from xgboost.core import XGBoostError

    model = XGBClassifier(n_jobs=1)
    try:
        model.load_model(file)
    except (XGBoostError, ValueError, TypeError) as error:
        raise _unreadable(file, "XGBoost's", error) from error
    if features is not None:
        model.get_booster().feature_names = list(features)
    return model


def _onnx(file: Path, features: Sequence[str] | None) -> Any:
    from homeostat.adapters.onnx.brought import BroughtOnnx

    return BroughtOnnx(file.read_bytes())


def _unreadable(file: Path, form: str, error: Exception) -> InvalidInput:
    return InvalidInput(
        f"{file.name} cannot be read as a model in {form} form: {' '.join(str(error).split())[:200]}.",
        mend="Save it again with the library's own function, under the suffix that belongs to it.",
        file=str(file),
    )


_READERS: dict[str, Callable[[Path, Sequence[str] | None], Any]] = {
    ".skops": _skops,
    ".txt": _lightgbm,
    ".lgb": _lightgbm,
    ".json": _xgboost,
    ".ubj": _xgboost,
    ".xgb": _xgboost,
    ".onnx": _onnx,
}


def must_answer(model: Any, frame: Any, file: str) -> None:
    """See that a model answers rows of its loop, also one of which nothing is known. Raises: InvalidInput."""
    nothing = frame.head(1).copy()
    for name in nothing.columns:
        nothing[name] = np.array([""], dtype=object) if nothing[name].dtype == object else np.float32("nan")
    for what, rows in (("the rows", frame), ("a row of which nothing is known", nothing)):
        try:
            answer = np.asarray(model.predict_proba(rows), dtype=np.float64)
        except Exception as error:  # each library has its own way of failing
            raise InvalidInput(
                f"{file} fails on {what}: {type(error).__name__}: {' '.join(str(error).split())[:200]}.",
                mend="Bring a model, or a pipeline, that takes these columns as they are, missing values included.",
                file=file,
            ) from error
        if answer.shape != (len(rows), 2) or not np.isfinite(answer).all():
            raise InvalidInput(
                f"{file} gives {what} no two finite probabilities.",
                mend="Bring a binary classifier that also answers where values are missing, such as by SimpleImputer.",
                file=file,
            )
