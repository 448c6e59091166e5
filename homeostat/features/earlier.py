"""The hash that features had before versions kept each definition, so that those versions go on being served."""

from __future__ import annotations

from typing import Any

from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.features.views import Latest, View
from homeostat.kernel.canonical import digest

_COLUMN = ("kind", "nullable", "low", "high", "categories")
_AGGREGATES = ("count", "sum", "mean", "minimum", "maximum")


def earlier_hash(features: FeatureSet) -> str | None:
    """What a version trained on these features was pinned to then; None where they use what came later."""
    if features.inputs or any(_is_later(view) for view in features.views):
        return None
    return digest(
        {
            "question": _table(features.question),
            "features": [(feature.name, feature.kind) for feature in features.features],
            "views": [digest(_view(view)) for view in features.views],
            "transforms": [{"name": one.name, "meaning": one.meaning} for one in features.transforms],
        }
    )


def _is_later(view: View) -> bool:
    kinds = [] if isinstance(view, Latest) else [one.kind for one in view.values.values()]
    return bool(view.default) or not set(kinds) <= set(_AGGREGATES)


def _view(view: View) -> dict[str, Any]:
    own: dict[str, Any] = {"columns": view.columns}
    if not isinstance(view, Latest):
        values = {name: {"kind": one.kind, "column": one.column} for name, one in view.values.items()}
        own = {"ranges": view.ranges, "values": values}
    return {
        "view": type(view).__name__,
        "table": _table(view.table),
        "by": view.entity,
        "longest": view.longest,
        "names": tuple(feature.name for feature in view.features),
        **own,
    }


def _table(table: Table) -> dict[str, Any]:
    contract = {name: {part: getattr(column, part) for part in _COLUMN} for name, column in table.contract.items()}
    return {"name": table.name, "key": table.keys, "event_time": table.event_time, "contract": contract}
