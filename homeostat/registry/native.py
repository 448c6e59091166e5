"""Where a version keeps its model in the format of the library that made it, beside the form that serves."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.registry.manifest import LAYOUT
from homeostat.registry.models import RuntimeName, Version

_FORMATS: dict[RuntimeName, tuple[str, ...]] = {
    "lightgbm": ("model.txt", LAYOUT),
    "xgboost": ("model.ubj", LAYOUT),
    "skops": ("model.skops",),
}
"""LightGBM's text, XGBoost's UBJSON, each with how features become its columns; skops. None is pickle."""


@dataclass(frozen=True, slots=True)
class NativeModel:
    """A version's model in its library's own format; ``files`` begin with the model itself."""

    runtime: RuntimeName
    files: tuple[str, ...]


def native_model(version: Version) -> NativeModel | None:
    """The native model that lies in a version's folder; None where it has none, as variants and older versions."""
    for runtime, names in _FORMATS.items():
        if all(name in version.files for name in names):
            return NativeModel(runtime, names)
    return None
