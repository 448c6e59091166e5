"""The whole prediction log of a loop with its labels, as arrays for reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.control.scoring import answers_of, can_judge
from homeostat.app.loops.known import known_features
from homeostat.app.prediction_log.answered import ANSWERED
from homeostat.app.prediction_log.reported import Reported
from homeostat.app.settings import Settings
from homeostat.control.loop import Loop
from homeostat.data.feedback import ACTS, PROPENSITY
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.data.weights import ONE_IN, WEIGHT, even, evened
from homeostat.features.views import FeatureKind
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.labels import LABELLED, join_labels
from homeostat.monitoring.served import served_columns
from homeostat.monitoring.windows import day_name, days_of, window
from homeostat.registry.binding import Binding
from homeostat.stats import metrics
from homeostat.stats.tasks import BINARY, Task

Json = dict[str, Any]
Columns = Mapping[str, NDArray[Any]]
_STAMP = pa.timestamp("us", tz="UTC")
_LOGGED = ("prediction_id", "asked_at", "served_at", "read_sequence")


@dataclass(frozen=True, slots=True)
class Served:
    """Arrays over the log's rows. ``labelled`` marks matured labels, ``truth`` holds them; days are local.

    Each row stands for ``each`` predictions: a log that kept a share for a while is thinned to it throughout."""

    day: NDArray[np.int64]
    month: NDArray[np.str_]
    labelled: NDArray[np.bool_]
    truth: NDArray[Any]
    live: NDArray[np.float64]
    each: int = 1

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
    label, keys = loop.label, loop.question.keys
    asked = dict.fromkeys([*(f"q_{key}" for key in keys), f"q_{label.maturity_column}"])
    weighing = [name for name in (WEIGHT, ONE_IN, ACTS, PROPENSITY) if name in stored.columns(loop.name)]
    log, each = evened(stored.read(loop.name, columns=[*_LOGGED, loop.task.column, *asked, *weighing], where=ANSWERED))
    log = Reported(tables).joined(log, loop)
    wanted = list(dict.fromkeys([*keys, *label.columns, SEQUENCE, KNOWN_AT]))
    facts = tables.read(label.table.name, columns=wanted)
    joined = join_labels(log, facts, label, keys=keys, now=now, sequence=int(np.iinfo(np.int64).max))
    labels = label.typed(joined.truth[joined.status == LABELLED])
    labelled, truth = np.zeros(log.num_rows, dtype=bool), np.zeros(log.num_rows, dtype=labels.dtype)
    labelled[joined.labelled_rows] = True
    truth[joined.labelled_rows] = labels
    days = days_of(log["asked_at"].cast(pa.int64()).to_numpy(), loop.timezone)
    names = {int(day): day_name(int(day))[:7] for day in np.unique(days)}
    month = np.array([names[int(day)] for day in days], dtype=np.str_)
    return Served(days, month, labelled, truth, answers_of(log, loop.task), each)


def month_columns(settings: Settings, loop: Loop, served: Served, month: str, bound: Binding) -> Columns | None:
    """The features of a month's labelled rows as they were served: one month at a time keeps memory small.

    None when some of its rows were served with features that mean something else than ``bound`` ones.
    """
    stored = DeltaTables(settings.paths.log)
    begins = window(f"{month}-01", loop.timezone).start
    ends = window(f"{_next(month)}-01", loop.timezone).start
    asked = pc.field("asked_at")
    where = (asked >= pa.scalar(begins, _STAMP)) & (asked < pa.scalar(ends, _STAMP)) & ANSWERED
    log = stored.read(loop.name, where=where)
    log = log.filter(pa.array(even(log, served.each)))
    if not can_judge(log, bound, known_features(settings.paths, loop.name)):
        return None
    kinds = {name[len("x_") :]: _kind(log, name) for name in log.column_names if name.startswith("x_")}
    columns = served_columns(log, kinds)
    chosen = served.labelled[served.month == month]
    return {name: values[chosen] for name, values in columns.items()}


def _kind(log: pa.Table, name: str) -> FeatureKind:
    return "number" if pa.types.is_floating(log.schema.field(name).type) else "text"


def _next(month: str) -> str:
    year, number = (int(part) for part in month.split("-"))
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def reported(task: Task) -> tuple[str, str]:
    """The two figures of a month: how well answers tell rows apart, and how wrong they are.

    >>> from homeostat.stats.tasks import Regression
    >>> reported(BINARY), reported(Regression())
    (('auc', 'log_loss'), ('skill', 'rmse'))
    """
    if task == BINARY:
        return "auc", "log_loss"
    return ("accuracy", "log_loss") if task.error is None else ("skill", task.error)


def figures(truth: NDArray[Any], scores: NDArray[np.float64] | None, task: Task = BINARY) -> Json:
    """AUC and log-loss, or what other tasks have in their place; null where they are not defined."""
    if scores is None or not truth.size:
        return dict.fromkeys(reported(task))
    if task != BINARY:
        sums = task.sums(truth, scores)
        return {name: _defined(partial(sums.figure, name)) for name in reported(task)}
    return {"auc": _defined(lambda: metrics.roc_auc(truth, scores)), "log_loss": metrics.log_loss(truth, scores)}


def _defined(figure: Callable[[], float]) -> float | None:
    try:
        return figure()
    except NotEnoughData:
        return None
