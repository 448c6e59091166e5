"""Features that are columns of the question alone: one step from the parsed row to the values, no store asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter

from homeostat.data.contracts import Value
from homeostat.data.tables import Table
from homeostat.features.views import Feature

Copy = Callable[[Mapping[str, Value]], list[Value]]


def copier(features: Sequence[Feature], question: Table) -> Copy:
    """A function from a parsed row of the question to the values of these columns, numbers as floats."""
    take = itemgetter(*(feature.name for feature in features))
    whole = [
        place
        for place, feature in enumerate(features)
        if feature.kind == "number" and question.contract[feature.name].kind != "number"
    ]

    def copy(row: Mapping[str, Value]) -> list[Value]:
        values = list(take(row)) if len(features) > 1 else [take(row)]
        for place in whole:
            value = values[place]
            values[place] = None if value is None else float(value)
        return values

    return copy
