"""The canonical form of a loop: what it declares of how versions are made and let through, as JSON values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from homeostat.control.policies.base import Policy

_BESIDE = ("train", "config", "features", "files", "variables")
_RUNNING = ("owner", "purpose", "keep", "alerts", "economics", "drills", "state", "batching", "log", "metrics")
"""These neither make a version nor let it through."""


def canonical_loop(loop: Any) -> dict[str, Any]:
    """Equal for loops that make and judge versions alike, whatever the order in which their parts are written.

    Features are told by what their definitions mean. What is left at its default is not told, so that the form stays
    what it was when a later release has more to declare.
    """
    told = {name: value for name, value in _parts(loop).items() if name not in (*_BESIDE, *_RUNNING)}
    meanings = {name: _told(one.meaning) for name, one in loop.feature_set.definitions.items()}
    return {**told, "features": meanings}


def _parts(value: Any) -> dict[str, Any]:
    """The fields that were declared otherwise than by default; what is private or computed is not told."""
    return {
        field.name: _told(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if field.compare and not field.name.startswith("_") and getattr(value, field.name) != _default(field)
    }


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _told(value: Any) -> Any:
    """JSON values of anything that may be declared."""
    if isinstance(value, Policy):
        return value.to_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _parts(value)
    if isinstance(value, Mapping):
        return {str(name): _told(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_told(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(_told(one) for one in value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return getattr(value, "__qualname__", None) or type(value).__qualname__
