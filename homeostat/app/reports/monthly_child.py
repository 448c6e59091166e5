"""Trains monthly yardsticks: ``python -m homeostat.app.reports.monthly_child HOME LOOP PARENT_PID MONTH...``.

Writes one JSON line to stdout per month: its name and its figures on that month's labelled rows.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.loops.loader import load_loop
from homeostat.app.prediction_log.reported import Reported
from homeostat.app.prediction_log.served_log import Json, Served, figures, month_columns, read_served
from homeostat.app.prediction_log.shaped import shaped_questions
from homeostat.app.processes.supervisor import die_with_parent
from homeostat.app.settings import Settings
from homeostat.control.loop import Loop
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.kernel.clock import Instant, to_datetime
from homeostat.monitoring.windows import window
from homeostat.registry.binding import Binding
from homeostat.training.fitted import answering
from homeostat.training.rows import model_frame
from homeostat.training.training_set import Sources, labelled_rows


def main(arguments: list[str]) -> int:
    """Train each month in turn."""
    die_with_parent()
    home, name, months = Path(arguments[0]), arguments[1], arguments[3:]
    settings = Settings.load(home)
    loop = load_loop(settings.loop_file, name)
    decided = Operations.open(settings.paths).state(name).decided_until or 0
    served = read_served(settings, loop, decided)
    tables = DeltaTables(settings.paths.tables)
    for month in months:
        print(json.dumps({month: _month(settings, loop, tables, served, month)}), flush=True)
    return 0


def _month(settings: Settings, loop: Loop, tables: DeltaTables, served: Served, month: str) -> Json:
    begins = window(f"{month}-01", loop.timezone).start
    rows = served.rows(month)
    columns = month_columns(settings, loop, served, month, Binding.of(loop.feature_set))
    if columns is None:
        return figures(served.truth[rows][:0], None, loop.task)
    known = _known_by(loop, tables, begins)
    reported = Reported(tables, known.sequence)
    known = replace(known, shaped=shaped_questions(DeltaTables(settings.paths.log), loop, reported))
    earlier = labelled_rows(loop.question, loop.feature_set, loop.label, known)
    if not rows.any() or np.unique(earlier.label).size < 2:
        return figures(served.truth[rows][:0], None, loop.task)
    estimator = loop.train(earlier.rows(loop.feature_set, loop.label.classes), loop.config)
    del earlier  # its memory is better used by the next step
    scores = answering(estimator, loop.task)(model_frame(columns, loop.feature_set.kinds))
    return figures(served.truth[rows], scores, loop.task)


def _known_by(loop: Loop, tables: DeltaTables, instant: Instant) -> Sources:
    """Everything accepted by an instant, and labels matured by it."""
    versions = {table.name: at for table in loop.tables if (at := tables.version(table.name)) >= 0}
    until = pc.field(KNOWN_AT) <= pa.scalar(to_datetime(instant), pa.timestamp("us", tz="UTC"))
    newest = [tables.read(name, version=at, columns=[SEQUENCE], where=until)[SEQUENCE] for name, at in versions.items()]
    sequence = max((pc.max(found).as_py() for found in newest if len(found)), default=-1)

    def read(name: str, version: int, columns: object) -> pa.Table:
        return tables.read(name, version=version, columns=columns)  # type: ignore[arg-type]

    return Sources(read, versions, int(sequence), instant)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
