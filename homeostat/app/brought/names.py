"""The names of features in a scikit-learn model from elsewhere, where a loop's columns are called otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

_NAMES = "feature_names_in_"
_CHOOSING = ("transformers", "transformers_")


def rename_features(model: Any, names: Mapping[str, str]) -> None:
    """Call features in a fitted estimator, and in all that it is made of, as ``names`` says; nothing else changes."""
    for one in list(_parts(model, set())):
        own = vars(one)
        if isinstance(own.get(_NAMES), np.ndarray):
            setattr(one, _NAMES, np.array([names.get(str(name), name) for name in own[_NAMES]], dtype=object))
        for attribute in _CHOOSING:
            if attribute in own:
                chosen = [(name, step, _named(columns, names)) for name, step, columns in own[attribute]]
                setattr(one, attribute, chosen)
        if "_columns" in own:
            one._columns = [_named(columns, names) for columns in own["_columns"]]


def _parts(model: Any, seen: set[int]) -> Iterator[Any]:
    """The estimator and those in its attributes, in lists and in pairs with their names; each once."""
    if id(model) in seen:
        return
    seen.add(id(model))
    if isinstance(model, list | tuple):
        for value in model:
            yield from _parts(value, seen)
    elif hasattr(model, "get_params") and hasattr(model, "__dict__"):
        yield model
        for value in list(vars(model).values()):
            yield from _parts(value, seen)


def _named(columns: Any, names: Mapping[str, str]) -> Any:
    if isinstance(columns, str):
        return names.get(columns, columns)
    return [_named(one, names) for one in columns] if isinstance(columns, list | tuple | np.ndarray) else columns
