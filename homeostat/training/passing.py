"""What stands before a native model in its pipeline, read as a layout of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from homeostat.kernel.errors import Refused
from homeostat.registry.layout import Column, Layout
from homeostat.registry.models import Kind


def last_step(estimator: Any) -> Any:
    """The model itself: the last step of a pipeline, or the estimator."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def layout_of(estimator: Any, kinds: Mapping[str, Kind], categories: Sequence[Sequence[str]]) -> Layout:
    """The columns that reach the last step, where the steps before it pass features through.

    A step may choose and order columns, encode texts by OrdinalEncoder, or change no more than their types
    (FunctionTransformer). ``categories`` are the texts of each text feature that the model itself keeps, in order.
    Whether the steps do what is read here is for the proof to show.
    Raises: Refused naming the step that makes something else of the features.
    """
    steps = [step for _, step in estimator.steps[:-1]] if isinstance(estimator, Pipeline) else []
    making = [step for step in steps if step not in (None, "passthrough")]
    if not making or (len(making) == 1 and isinstance(making[0], FunctionTransformer)):
        return Layout(tuple(_as_they_are(kinds, categories)))
    if len(making) == 1 and isinstance(making[0], ColumnTransformer):
        return Layout(tuple(_of_transformer(making[0], kinds)))
    raise _changes(making[-1] if len(making) == 1 else making[1])


def _as_they_are(kinds: Mapping[str, Kind], categories: Sequence[Sequence[str]]) -> list[Column]:
    texts = [name for name, kind in kinds.items() if kind == "text"]
    if len(texts) != len(categories):
        raise Refused(
            f"The model takes {len(categories)} columns of categories for {len(texts)} text features.",
            mend="Encode texts by OrdinalEncoder, or give all of them as pandas categories.",
        )
    kept = dict(zip(texts, categories, strict=True))
    return [Column.of_texts(name, kept[name], unknown=None) if name in kept else Column(name) for name in kinds]


def _of_transformer(step: ColumnTransformer, kinds: Mapping[str, Kind]) -> list[Column]:
    names = list(kinds)
    made: list[Column] = []
    for _, part, chosen in step.transformers_:
        features = _named(chosen, names)
        if isinstance(part, str) and part == "drop":
            continue
        if isinstance(part, OrdinalEncoder):
            made += _codes(part, features, kinds)
        elif isinstance(part, FunctionTransformer) and part.func is None and "text" not in map(kinds.get, features):
            made += [Column(name) for name in features]
        else:
            raise _changes(part)
    return made


def _named(chosen: Any, names: Sequence[str]) -> list[str]:
    """Columns may be chosen by name, by place, by a slice of places, or by a mask."""
    if isinstance(chosen, slice) and not isinstance(chosen.start or chosen.stop, str):
        return list(names[chosen])
    listed = np.atleast_1d(chosen)
    if listed.dtype == bool:
        return [name for name, taken in zip(names, listed, strict=True) if taken]
    return [str(one) if isinstance(one, str) else names[int(one)] for one in listed]


def _codes(encoder: OrdinalEncoder, features: Sequence[str], kinds: Mapping[str, Kind]) -> list[Column]:
    grouped = encoder.min_frequency is not None or encoder.max_categories is not None
    if grouped or encoder.handle_unknown != "use_encoded_value" or any(kinds[name] != "text" for name in features):
        raise Refused(
            "OrdinalEncoder with these settings has no native form.",
            mend='Let it encode texts only, with handle_unknown="use_encoded_value" and without grouping rare ones.',
        )
    value = float(encoder.unknown_value)
    unknown = None if np.isnan(value) else value
    texts = [[str(text) for text in found] for found in encoder.categories_]
    return [Column.of_texts(name, found, unknown=unknown) for name, found in zip(features, texts, strict=True)]


def _changes(step: Any) -> Refused:
    name = type(step).__name__
    return Refused(
        f"The step {name} makes something else of the features than a native model takes.",
        mend="Leave only steps that pass columns through: ColumnTransformer with OrdinalEncoder and passthrough.",
        step=name,
    )
