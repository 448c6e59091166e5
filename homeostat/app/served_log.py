"""The whole prediction log of a loop with its labels, as arrays for reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.control.scoring import served_columns
from homeostat.app.settings import Settings
from homeostat.control.loop import Loop
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.labels import join_labels
from homeostat.monitoring.windows import day_name, days_of
from homeostat.stats import metrics

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Served:
    """Arrays over the log's rows. ``labelled`` marks matured labels, ``truth`` holds them; days are local."""

    day: NDArray[np.int64]
    month: NDArray[np.str_]
    labelled: NDArray[np.bool_]
    truth: NDArray[np.bool_]
    live: NDArray[np.float64]
    columns: Mapping[str, NDArray[Any]]

    @property
    def months(self) -> list[str]:
        """The months in order, such as ``2013-02``."""
        return [str(name) for name in np.unique(self.month)]

    def rows(self, month: str) -> NDArray[np.bool_]:
        """Labelled rows of a month."""
        found: NDArray[np.bool_] = (self.month == month) & self.labelled
        return found


def read_served(settings: Settings, loop: Loop, now: Instant) -> Served:
    """Read and join everything served so far. Raises: NotEnoughData before the first prediction."""
    stored, tables = DeltaTables(settings.paths.log), DeltaTables(settings.paths.tables)
    if stored.version(loop.name) < 0:
        raise NotEnoughData(f"Loop {loop.name!r} has served nothing yet.", mend="Ask it for a prediction first.")
    log, label, keys = stored.read(loop.name), loop.label, loop.question.keys
    wanted = list(dict.fromkeys([*keys, *label.columns, SEQUENCE, KNOWN_AT]))
    facts = tables.read(label.table.name, columns=wanted)
    joined = join_labels(log, facts, label, keys=keys, now=now, sequence=int(np.iinfo(np.int64).max))
    labelled, truth = np.zeros(log.num_rows, dtype=bool), np.zeros(log.num_rows, dtype=bool)
    labelled[joined.labelled_rows] = True
    truth[joined.labelled_rows] = joined.labels
    days = days_of(log["asked_at"].cast(pa.int64()).to_numpy(), loop.timezone)
    names = {int(day): day_name(int(day))[:7] for day in np.unique(days)}
    month = np.array([names[int(day)] for day in days], dtype=np.str_)
    live = log["probability"].to_numpy().astype(np.float64)
    return Served(days, month, labelled, truth, live, served_columns(log, loop.feature_set))


def figures(truth: NDArray[np.bool_], scores: NDArray[np.float64] | None) -> Json:
    """AUC and log-loss, null where they are not defined."""
    if scores is None or not truth.size:
        return {"auc": None, "log_loss": None}
    try:
        auc: float | None = metrics.roc_auc(truth, scores)
    except NotEnoughData:
        auc = None
    return {"auc": auc, "log_loss": metrics.log_loss(truth, scores)}
