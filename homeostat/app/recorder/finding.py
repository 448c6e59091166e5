"""Looks predictions up by id, from the moment they are durable: in the log, and in the spools on the way there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from homeostat.app.recorder.predictions import Predictions
from homeostat.data.tables import TableStore

Found = Mapping[str, Any]
"""Some fields of a prediction's record."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Reads only what ids may be in: they are in the order of time, and so are the log's files."""

    log: TableStore
    predictions: Predictions

    def find(self, loop: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Found]:
        """The predictions of these ids that were ever acknowledged, by id; the others are left out."""
        found = self._logged(loop, ids, fields)
        if missing := frozenset(ids).difference(found):
            for record in self.predictions.waiting(loop):
                if record.prediction_id in missing:
                    found.setdefault(record.prediction_id, {name: getattr(record, name) for name in fields})
        if missing := frozenset(ids).difference(found):  # what was moved while we looked
            found |= self._logged(loop, sorted(missing), fields)
        return found

    def _logged(self, loop: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Found]:
        if self.log.version(loop) < 0:
            return {}
        column = pc.field("prediction_id")
        among = (column >= min(ids)) & (column <= max(ids)) & column.isin(list(ids))
        rows = self.log.read(loop, columns=["prediction_id", *fields], where=among)
        return {row["prediction_id"]: row for row in rows.to_pylist()}
