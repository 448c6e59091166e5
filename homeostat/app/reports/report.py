"""The report: month by month the live loop, the frozen first version, and a monthly retrain on all earlier rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.app.by_hand.operations import Operations
from homeostat.app.prediction_log.served_log import Served, figures, month_columns, read_served, reported
from homeostat.app.reports.monthly import Progress, monthly_figures, silent
from homeostat.app.settings import Settings
from homeostat.app.versions.runtimes import load_runtime
from homeostat.control.loop import Loop
from homeostat.stats.intervals import MIN_BLOCKS, block_mean, block_mean_from_sums
from homeostat.stats.tasks import BINARY, Task

Json = dict[str, Any]


def build_report(settings: Settings, operations: Operations, loop: Loop, progress: Progress = silent) -> Json:
    """Everything the report says, as JSON values; monthly retrains are kept and not trained twice.

    Raises: NotEnoughData before the first prediction.
    """
    state = operations.state(loop.name)
    served = read_served(settings, loop, state.decided_until or 0)
    frozen = _frozen_scores(settings, loop, state.first_version, served)
    monthly = monthly_figures(settings, loop, served, progress)
    nothing = dict.fromkeys(reported(loop.task))
    months = [_month(name, served, frozen, monthly.get(name, nothing), loop.task) for name in served.months]
    counted = {name: sum(month[name] for month in months) for name in ("served", "labelled")}
    totals = {**operations.overview(loop, None)["totals"], **counted}
    gain = _gain(served, frozen, loop.task)
    told = {"figures": list(reported(loop.task)), "loss": loop.task.loss_name}
    means = _means(months, reported(loop.task))
    return {"loop": loop.name, **told, "months": months, "means": means, "gain": gain, "totals": totals}


def _frozen_scores(settings: Settings, loop: Loop, first: str | None, served: Served) -> NDArray[np.float64] | None:
    """The first version's answer to every labelled row that it can be judged on; NaN elsewhere."""
    if first is None:
        return None
    runtime = load_runtime(settings.paths.versions / loop.name / first, loop.name, first)
    scores = np.full(served.live.shape, np.nan)
    for month in served.months:
        columns = month_columns(settings, loop, served, month, runtime.binding)
        if columns is not None:
            scores[served.rows(month)] = runtime.predict(columns)  # type: ignore[arg-type]
    return scores


def _month(name: str, served: Served, frozen: NDArray[np.float64] | None, monthly: Json, task: Task) -> Json:
    rows = served.rows(name)
    truth = served.truth[rows]
    return {
        "month": name,
        "served": int((served.month == name).sum()) * served.each,
        "labelled": int(rows.sum()) * served.each,
        "base_rate": float(truth.mean()) if truth.size and task == BINARY else None,
        "live": figures(truth, served.live[rows], task),
        "frozen": figures(truth, None if frozen is None or np.isnan(frozen[rows]).any() else frozen[rows], task),
        "monthly": monthly,
    }


def _gain(served: Served, frozen: NDArray[np.float64] | None, task: Task) -> Json | None:
    """Loss of the live loop minus the frozen version's on the same rows, with one day as the block.

    ``row_wise_ratio`` says how many times too narrow an interval would be that takes rows for independent.
    """
    rows = served.labelled if frozen is None else served.labelled & ~_absent(frozen)
    if frozen is None or np.unique(served.day[rows]).size < MIN_BLOCKS:
        return None
    truth = served.truth[rows]
    difference = task.losses(truth, served.live[rows]) - task.losses(truth, frozen[rows])
    seen = block_mean(difference, served.day[rows])
    by_row = block_mean_from_sums(difference, np.ones_like(difference))
    width = by_row.high - by_row.low
    return {**seen.to_json(), "row_wise_ratio": (seen.high - seen.low) / width if width else None}


def _absent(answers: NDArray[np.float64]) -> NDArray[np.bool_]:
    absent = np.isnan(answers)
    return absent if absent.ndim == 1 else np.asarray(absent.any(axis=1))


def _means(months: Iterable[Json], names: Sequence[str]) -> Json:
    """The plain mean over months of each figure; null where a month lacks it."""
    listed = list(months)
    return {
        scorer: {name: _mean([month[scorer][name] for month in listed]) for name in names}
        for scorer in ("live", "frozen", "monthly")
    }


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None
