"""Trains versions of a back-test and judges them: ``python -m homeostat.app.backtest.child HOME LOOP``.

Told on stdin, as one JSON object, the days and the versions to make; keeps each where the parent looks for it, and
writes one JSON line to stdout for each.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from homeostat.app.backtest.cells import Cell, Cells, ask_of, write_cell
from homeostat.app.backtest.grid import Ask
from homeostat.app.backtest.history import History, JudgedDay, read_history
from homeostat.app.backtest.sampled import places_of, write_rows
from homeostat.app.loops.loader import load_loop
from homeostat.app.processes.supervisor import die_with_parent
from homeostat.app.settings import Settings
from homeostat.app.training.child import stay_small
from homeostat.control.backtest.matrix import PastDay, Trial
from homeostat.control.counted_windows import Counts, together
from homeostat.data.daily import DailyCounts, Rows
from homeostat.data.profiles import PREDICTION, ReferenceProfile
from homeostat.kernel.errors import HomeostatError
from homeostat.monitoring.drift_limits import Key, Limit, drift_limits, fitting_rows
from homeostat.monitoring.drift_table import DriftTable
from homeostat.monitoring.drifting import drifted
from homeostat.monitoring.windows import Window
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.tasks import Regression
from homeostat.training.checks import check_training_rows
from homeostat.training.fitted import answering
from homeostat.training.rows import TrainingRows
from homeostat.training.training_set import local_days

MEMORY_BYTES = 4 << 30
Labelled = list[JudgedDay]


def main(arguments: list[str]) -> int:
    """Make every version that is asked for, the one with most rows first: it needs most memory."""
    die_with_parent()
    said = _own_stdout()
    told = json.loads(sys.stdin.read())
    stay_small(MEMORY_BYTES)
    settings = Settings.load(Path(arguments[0]))
    loop = load_loop(settings.loop_file, arguments[1])
    cells = Cells(Path(told["folder"]))
    days = [PastDay(Window(start, end, name), mature) for name, start, end, mature in told["days"]]
    history = read_history(loop, settings.paths.tables, settings.paths.log, max(day.mature_at for day in days))
    labelled = [history.of_day(day, known) for day, known in zip(days, told["known"], strict=True)]
    counts = np.array([_counted(one.truth) for one in labelled], dtype=np.int64).reshape(-1, 3)
    places = None
    if isinstance(loop.task, Regression):
        places = places_of(one.span for one in labelled)
        _keep_rows(Path(told["rows"]), history, labelled, places)
    for ask in sorted((ask_of(one) for one in told["asks"]), key=lambda one: -one.number):
        trial, scores = _trial(history, ask, labelled, settings.loop_file)
        answers = None if places is None or scores is None else scores[places]
        write_cell(cells.path(told["keys"][str(ask.number)]), Cell(trial, counts, answers))
        print(json.dumps({"made": ask.version}), file=said, flush=True)
    return 0


def _own_stdout() -> TextIO:
    """The parent's pipe, for us alone: what a training function prints goes to the log."""
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return said


def _counted(truth: NDArray[np.float64]) -> tuple[int, int, int]:
    without = int(np.isnan(truth).sum())
    return truth.size, truth.size - without, without


def _keep_rows(path: Path, history: History, labelled: Labelled, places: NDArray[np.int64]) -> None:
    """Rows of every day, the same for all versions."""
    if path.exists():
        return
    truth, names = np.full(history.times.size, np.nan), np.full(history.times.size, "", dtype="U10")
    for one in labelled:
        truth[one.span], names[one.span] = one.truth, one.day.window.name
    write_rows(path, names[places].tolist(), truth[places], history.features(places))


def _trial(history: History, ask: Ask, labelled: Labelled, loop_file: Path) -> tuple[Trial, NDArray[np.float64] | None]:
    """One version and its answers; what forbids it, or goes wrong in the user's function, is its problem alone."""
    places, rows, labels = history.training(ask)
    trial = Trial(ask.version, ask.asked_at, ask.cutoff, labels)
    judged = {at: day for at, day in enumerate(labelled) if day.day.window.start >= ask.cutoff}
    try:
        scores, seconds = _scored(history, ask, rows)
        sums = {at: _sums(history, one, scores[one.span]) for at, one in judged.items()}
    except HomeostatError as error:
        return replace(trial, problem=error.problem), None
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        return replace(trial, problem=f"train() in {loop_file.name} raised {type(error).__name__}: {error}"), None
    drift, first = _drift(history, ask, places, scores, judged)
    return replace(trial, seconds=seconds, sums=sums, drift=drift, drift_from=first), scores


def _scored(history: History, ask: Ask, rows: TrainingRows) -> tuple[NDArray[np.float64], float]:
    """The trained version's answer to every question after its cut-off, NaN before; and how long it trained."""
    began = time.monotonic()
    check_training_rows(rows, min_rows=history.loop.retrain.min_rows)
    estimator = history.loop.train(rows, history.loop.config)
    answers, seconds = answering(estimator, history.loop.task), time.monotonic() - began
    first = int(np.searchsorted(history.times, ask.cutoff))
    width = len(history.loop.label.classes)
    scores = np.full((history.times.size, width) if width else history.times.size, np.nan)
    if first < len(scores):
        scores[first:] = answers(history.frame.iloc[first:])
    return scores, seconds


def _sums(history: History, one: JudgedDay, scores: NDArray[np.float64]) -> Sums:
    rows = np.repeat(np.arange(one.truth.size), np.where(np.isnan(one.truth), 0, one.each))
    return history.loop.task.sums(history.loop.label.typed(one.truth[rows]), scores[rows])


def _drift(
    history: History,
    ask: Ask,
    places: NDArray[np.int64],
    scores: NDArray[np.float64],
    judged: Mapping[int, JudgedDay],
) -> tuple[DriftTable | None, int]:
    """What a monitor would have said of each day, had this version served, and which is the first of them."""
    days = {at: one for at, one in judged.items() if one.day.window.end > ask.asked_at}
    held = (history.times >= ask.cutoff) & (history.due <= ask.asked_at)
    try:
        reference = ReferenceProfile.of(
            history.loop.feature_set.kinds, history.features(places), history.loop.task.watched(scores[held])
        )
    except HomeostatError:
        return None, 0
    if not days:
        return None, 0
    counted = [_counts(reference, history, scores, one.span) for one in days.values()]
    limits = _limits(history, ask, reference, (places, held, scores), [one.span for one in days.values()])
    spans = history.loop.drift.spans
    found = [
        drifted(reference, {span: together(counted[: at + 1], span) for span in spans}, one.day.window, limits)
        for at, one in enumerate(days.values())
    ]
    return DriftTable.of(found), min(days)


def _counts(reference: ReferenceProfile, history: History, scores: NDArray[np.float64], span: slice) -> Counts:
    seen = reference.count(history.features(span), history.loop.task.watched(scores[span]))
    return {**seen.features, PREDICTION: seen.prediction}


def _limits(
    history: History,
    ask: Ask,
    reference: ReferenceProfile,
    rows: tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]],
    days: Sequence[slice],
) -> dict[Key, Limit]:
    """Limits earned on the version's own training days, as live ones are."""
    (places, held, scores), zone = rows, history.loop.timezone
    trained = Rows(history.features(places), local_days(history.times[places], zone))
    daily = DailyCounts.of(
        reference,
        trained,
        Rows({PREDICTION: history.loop.task.watched(scores[held])}, local_days(history.times[held], zone)),
    )
    usual = fitting_rows(daily, float(np.median([span.stop - span.start for span in days])))
    return drift_limits(reference, daily, history.loop.drift, np.random.default_rng(ask.number), rows=usual)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
