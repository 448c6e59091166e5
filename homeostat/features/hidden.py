"""What of a feature set can be computed again where some columns of the question were not kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from homeostat.features.definitions import FeatureSet


def needing(features: FeatureSet, columns: Collection[str]) -> frozenset[str]:
    """Features that cannot be computed without some columns of the question, directly or through a transform."""
    hidden = frozenset(columns)
    lost = {one.name for one in features.selected if one.name in hidden}
    lost |= {one.name for view in features.views if hidden & set(view.entity) for one in view.features}
    for each in features.transforms:  # in the order in which they run
        if (hidden | lost) & set(each.arguments):
            lost.add(each.name)
    return frozenset(lost)


def without(features: FeatureSet, lost: Collection[str]) -> FeatureSet:
    """The same definitions less some features, and less what only these read."""
    transforms = tuple(each for each in features.transforms if each.name not in lost)
    taken = {name for each in transforms for name in each.arguments}
    return replace(
        features,
        features=tuple(one for one in features.features if one.name not in lost),
        selected=tuple(one for one in features.selected if one.name not in lost),
        inputs=tuple(one for one in features.inputs if one.name in taken),
        views=tuple(view for view in features.views if not {one.name for one in view.features} & set(lost)),
        transforms=transforms,
    )
