"""How was this prediction made: each feature as served, as recomputed, and the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.rows import facts_schema
from homeostat.app.prediction_log.predictions import Served
from homeostat.app.prediction_log.reported import report_of
from homeostat.control.loop import Loop
from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Value
from homeostat.data.tables import Table, TableStore
from homeostat.features.behind import Asked, Read
from homeostat.features.definitions import FeatureSet
from homeostat.features.explain import Explanation, Row, explain
from homeostat.features.hidden import needing, without
from homeostat.features.parity import compare
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import NotFound
from homeostat.stats.tasks import Multiclass

Json = dict[str, Any]
_GONE = "no longer defined in the loop file"
_HIDDEN = "made from a column that the log hashes or leaves out, so it cannot be made again"
WHY = {
    "counted": "counted",
    "empty": "holds no value",
    "corrected": "corrected before",
    "unknown": "not known yet",
    "older": "too old",
}


def explained(
    loop: Loop, tables: TableStore, served: Served, *, newest: int, feature: str | None = None, since: bool = True
) -> Json:
    """The prediction and its features, each with the rows behind it; of one feature when named.

    Explained by the loop file's definitions; ``same_definitions`` says whether it was served under these. Without
    ``since``, rows do not tell what corrected them only after the prediction.

    A feature that the loop file no longer defines, or that is made from what the log does not keep, keeps its served
    value and has no explanation.
    Raises: NotFound for a feature that was neither served nor is defined.
    """
    lost = needing(loop.feature_set, loop.log.hidden)
    features = without(loop.feature_set, lost)
    read = _reader(tables)
    made = explain(features, Asked(served.question, served.asked_at, served.sequence, since), read, newest=newest)
    differ = _differ(features, served, {one.feature: one.value for one in made})
    gone = [name for name in served.features if name not in loop.feature_set.names]
    _check(feature, [*loop.feature_set.names, *gone])
    shown = [_feature(loop, one, served, one.feature not in differ) for one in made]
    shown += [_unexplained(name, served.features.get(name), "hidden", _HIDDEN) for name in sorted(lost)]
    shown += [_unexplained(name, served.features[name], "gone", _GONE) for name in gone]
    return {
        "prediction": {**record_of(loop, served), **report_of(tables, loop, served.record, served.question)},
        "agrees": not differ,
        "differing": differ,
        "same_definitions": served.record.get("definitions") in (None, "", loop.feature_set.hash),
        "features": [one for one in shown if feature in (None, one["feature"])],
    }


def record_of(loop: Loop, served: Served) -> Json:
    """The record with its question, instants as text, and the chances of classes by their names."""
    instants = ("asked_at", "served_at")
    record: Json = {name: _instant(value) if name in instants else value for name, value in served.record.items()}
    contract = loop.question.contract
    asked = {
        name: _instant(value) if name in contract and contract[name].kind == "instant" else value
        for name, value in served.question.items()
    }
    chances = record.get("probabilities")
    if chances is not None and isinstance(loop.task, Multiclass):
        record["probabilities"] = dict(zip(loop.task.classes, chances, strict=True))
    return {**record, "question": asked}


def _differ(features: FeatureSet, served: Served, again: Mapping[str, Value]) -> list[str]:
    """Names of features whose served value the rows do not give; one that was not logged cannot differ."""
    row = [served.features.get(name, again[name]) for name in features.names]
    columns: dict[str, Any] = {
        name: np.array([again[name] if kind == "text" or again[name] is not None else np.nan], dtype=_dtype(kind))
        for name, kind in features.kinds.items()
    }
    return [one.feature for one in compare(features, [row], columns)]


def _dtype(kind: str) -> type:
    return object if kind == "text" else float


def _feature(loop: Loop, one: Explanation, served: Served, agrees: bool) -> Json:
    kinds = {table.name: table.contract for table in loop.tables}
    contract = kinds[one.table] if one.table else {}
    instants = {name for name, column in contract.items() if column.kind == "instant"}
    logged = one.feature in served.features
    return {
        "feature": one.feature,
        "how": one.how,
        "definition": one.definition,
        "table": one.table,
        "served": served.features.get(one.feature),
        "recomputed": one.value,
        "agrees": agrees if logged else None,
        "since": _instant(one.since),
        "until": _instant(one.until),
        "entity": one.entity,
        "inputs": one.inputs,
        "defaulted": one.defaulted,
        "counted": one.counted,
        "total": one.total,
        "rows": [_row(row, instants) for row in one.rows],
    }


def _row(row: Row, instants: set[str]) -> Json:
    return {
        "values": {name: _instant(value) if name in instants else value for name, value in row.values.items()},
        "event_time": _instant(row.event_time),
        "known_at": _instant(row.known_at),
        "sequence": row.sequence,
        "standing": row.standing,
        "why": WHY[row.standing],
        "superseded_by": row.superseded_by,
    }


def _unexplained(name: str, value: Value, how: str, why: str) -> Json:
    nothing = dict.fromkeys(("table", "recomputed", "agrees", "since", "until", "entity", "inputs", "defaulted"))
    return {"feature": name, "how": how, "definition": why, "served": value, **nothing} | {
        "counted": 0,
        "total": 0,
        "rows": [],
    }


def _check(feature: str | None, names: list[str]) -> None:
    if feature is not None and feature not in names:
        raise NotFound(f"There is no feature {feature!r}.", mend=did_you_mean(feature, names), feature=feature)


def _reader(tables: TableStore) -> Read:
    stored: dict[str, bool] = {}

    def read(table: Table, columns: Sequence[str], where: pc.Expression) -> pa.Table:
        if table.name not in stored:
            stored[table.name] = tables.version(table.name) >= 0
        if not stored[table.name]:
            return facts_schema(table).empty_table().select(columns)
        return tables.read(table.name, columns=columns, where=where)

    return read


def _instant(value: Value) -> str | None:
    return None if value is None else format_instant(int(value))
