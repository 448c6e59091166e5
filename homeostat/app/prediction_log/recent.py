"""The newest matured rows of the prediction log, with their features as served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.prediction_log.answered import ANSWERED
from homeostat.app.prediction_log.reported import Reported
from homeostat.app.settings import Settings
from homeostat.control.loop import Loop
from homeostat.data.contracts import Value
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.data.weights import evened
from homeostat.features.columns import plain
from homeostat.features.views import FeatureKind
from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.labels import LABELLED, join_labels
from homeostat.monitoring.windows import days_of
from homeostat.stats.tasks import BINARY, Task

_STAMP = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Recent:
    """A slice of the log, whole days, newest last. ``rows`` are those of it whose labels are mature; ``truth`` and
    ``days`` go with them."""

    log: pa.Table
    rows: NDArray[np.int64]
    truth: NDArray[Any]
    days: NDArray[np.int64]
    task: Task = BINARY

    def columns(self, kinds: Mapping[str, FeatureKind]) -> dict[str, NDArray[Any]] | None:
        """Features of the labelled rows: float64 with NaN, or objects with None; None when one was never logged."""
        if any(f"x_{name}" not in self.log.column_names for name in kinds):
            return None
        chosen = self.log.take(pa.array(self.rows))
        return {name: plain(chosen[f"x_{name}"], kind) for name, kind in kinds.items()}

    def missing(self, names: Sequence[str]) -> dict[str, float | None]:
        """The share of served rows in which each feature was missing; None where it was never logged."""
        logged = {f"x_{name}" for name in names} & set(self.log.column_names)
        count = self.log.num_rows
        return {
            name: self.log[f"x_{name}"].null_count / count if count and f"x_{name}" in logged else None
            for name in names
        }

    def questions(self, names: Sequence[str], most: int) -> list[dict[str, Value]]:
        """Columns of the newest questions, as a request's parsed rows hold them."""
        asked = self.log.select([f"q_{name}" for name in names]).slice(max(0, self.log.num_rows - most))
        columns = [_parsed(asked[f"q_{name}"]) for name in names]
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def read_recent(settings: Settings, loop: Loop, now: Instant, *, days: int, most_rows: int) -> Recent:
    """The last ``days`` days with labels, and what was served since; more labelled rows are thinned out evenly.

    Raises: NotEnoughData before the first prediction.
    """
    stored, tables = DeltaTables(settings.paths.log), DeltaTables(settings.paths.tables)
    if stored.version(loop.name) < 0:
        raise NotEnoughData(f"Loop {loop.name!r} has served nothing yet.", mend="Ask it for a prediction first.")
    since = now - loop.label.maturity_delay - duration(f"{days + 3}d")
    log = stored.read(loop.name, where=(pc.field("asked_at") >= pa.scalar(since, _STAMP)) & ANSWERED).sort_by(
        "asked_at"
    )
    log, _ = evened(log)
    log = Reported(tables).joined(log, loop)
    label, keys = loop.label, loop.question.keys
    wanted = list(dict.fromkeys([*keys, *label.columns, SEQUENCE, KNOWN_AT]))
    facts = tables.read(label.table.name, columns=wanted)
    joined = join_labels(log, facts, label, keys=keys, now=now, sequence=int(np.iinfo(np.int64).max))
    rows, truth = joined.labelled_rows, label.typed(joined.truth[joined.status == LABELLED])
    of_row = days_of(log["asked_at"].cast(pa.int64()).to_numpy()[rows], loop.timezone)
    chosen = np.isin(of_row, np.unique(of_row)[-days:])
    thinned = np.flatnonzero(chosen)[:: max(1, -(-int(chosen.sum()) // most_rows))]
    return Recent(log, rows[thinned], truth[thinned], of_row[thinned], loop.task)


def _parsed(values: pa.ChunkedArray) -> list[Value]:
    moment = pa.types.is_timestamp(values.type)
    found: list[Value] = (values.cast(_STAMP).cast(pa.int64()) if moment else values).to_pylist()
    return found
