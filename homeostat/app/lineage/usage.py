"""What versions answered: predictions by version and arm, counted once for every file of a log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.data.arrow import ds
from homeostat.data.weights import WEIGHT
from homeostat.kernel.clock import format_instant

Json = dict[str, Any]
_BY = ["version", "arm"]
_WANTED = [*_BY, "asked_at", "prediction_id"]
_EACH = [
    ("rows", "sum"),
    ("predictions", "sum"),
    ("first", "min"),
    ("last", "max"),
    ("first_id", "min"),
    ("last_id", "max"),
]


@dataclass(slots=True)
class Usage:
    """Counts what a log holds. Files never change: those that were counted are not read again."""

    log: DeltaTables
    _counted: dict[str, dict[str, pa.Table]] = field(init=False, default_factory=dict)

    def of(self, loop: str, where: pc.Expression | None = None) -> list[Json]:
        """By version and arm: rows and the predictions that they stand for, the first and last asked, with their ids.

        With a condition nothing is remembered. Shadows and pinned versions are counted as the arms that they are.
        """
        version = self.log.version(loop)
        if version < 0:
            return []
        dataset = self.log.scan(loop, version, coded=_BY)
        if where is not None:
            return _told(_summed([_one(dataset, where)]))
        before = self._counted.get(loop, {})
        counted = {
            part.path: before[part.path] if part.path in before else _one(part) for part in dataset.get_fragments()
        }
        self._counted[loop] = counted
        return _told(_summed(counted.values()))


def _one(part: ds.Dataset | ds.Fragment, where: pc.Expression | None = None) -> pa.Table:
    weighed = WEIGHT in part.physical_schema.names if isinstance(part, ds.Fragment) else WEIGHT in part.schema.names
    rows = part.to_table(columns=[*_WANTED, *([WEIGHT] if weighed else [])], filter=where)
    ones = pa.repeat(pa.scalar(1, pa.int64()), rows.num_rows)
    given = pa.table(
        {
            **{name: rows[name].cast(pa.string()) for name in _BY},
            "rows": ones,
            "predictions": rows[WEIGHT].fill_null(1) if weighed else ones,
            "first": rows["asked_at"],
            "last": rows["asked_at"],
            "first_id": rows["prediction_id"],
            "last_id": rows["prediction_id"],
        }
    )
    return _grouped(given)


def _summed(parts: Iterable[pa.Table]) -> pa.Table:
    found = [part for part in parts if part.num_rows]
    return _grouped(pa.concat_tables(found)) if found else None


def _grouped(rows: pa.Table) -> pa.Table:
    made = rows.group_by(_BY).aggregate(_EACH)
    return made.rename_columns([name.rpartition("_")[0] if name not in _BY else name for name in made.column_names])


def _told(found: pa.Table | None) -> list[Json]:
    if found is None:
        return []
    rows = found.sort_by([("version", "ascending"), ("first", "ascending")])
    instants = {
        name: rows[name].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist() for name in ("first", "last")
    }
    return [
        {**row, **{name: format_instant(values[place]) for name, values in instants.items()}}
        for place, row in enumerate(rows.to_pylist())
    ]
