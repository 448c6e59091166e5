"""What was asked since a checkpoint, in order, answered by the eyes of the version that comes back."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.control.scoring import can_judge
from homeostat.app.home import Home
from homeostat.app.loops.known import known_features
from homeostat.app.prediction_log.answered import ANSWERED
from homeostat.app.versioned_state.progress import Progress
from homeostat.app.versions.runtimes import load_runtime
from homeostat.control.loop import Loop
from homeostat.control.versioned_state import Rows, StateFailed
from homeostat.monitoring.served import served_columns
from homeostat.registry.binding import binding_of
from homeostat.registry.manifest import read_manifest
from homeostat.serving.answers import Score, said
from homeostat.serving.gateway import chances
from homeostat.serving.runtimes import Runtime, answers

if TYPE_CHECKING:
    from homeostat.app.versioned_state.runner import StateJob

READ, BATCH = 20_000, 1_000
"""Rows of the log that are held at once, and rows that a loop's function gets at once."""
_LOG = logging.getLogger("homeostat.state")
_STAMP = pa.timestamp("us", tz="UTC")
_TOLD = ("prediction_id", "key", "asked_at", "served_at", "arm", "generation", "weight")


@dataclass(slots=True)
class Replayed:
    """The rows of one replay. A row that another version answered is answered anew, from its logged features."""

    loop: Loop
    log: DeltaTables
    log_version: int
    version: str
    runtime: Runtime
    since: int
    generation: int
    progress: Progress
    given: int = field(init=False, default=0)

    @classmethod
    def of(cls, job: StateJob, loop: Loop, progress: Progress) -> Replayed:
        """Load the version. Raises: StateFailed when rows were served with features that it was not trained on."""
        home = Home(Path(job.home))
        folder, log = home.versions / job.loop / job.version, DeltaTables(home.log)
        found = cls(
            loop,
            log,
            job.log_version,
            job.version,
            load_runtime(folder, job.loop, job.version),
            job.since,
            job.generation,
            progress,
        )
        if "definitions" in log.columns(job.loop):
            served = log.read(job.loop, version=job.log_version, columns=["definitions"], where=found._where())
            if not can_judge(served, binding_of(read_manifest(folder)), known_features(home, job.loop)):
                raise StateFailed(
                    f"Rows since the checkpoint were served with other definitions than {job.version} was trained on.",
                    mend="Say --state restore: the state as it was, without what was asked since.",
                    version=job.version,
                )
        return found

    def run(self) -> dict[str, int]:
        """Call the loop's ``replay``: how many rows it took, of how many."""
        assert self.loop.state is not None
        if self.loop.state.replay is None:
            raise StateFailed(f"The state of {self.loop.name!r} has no replay any more.", mend="Give it back.")
        cuts, total = self._cuts()
        self.loop.state.replay(self._batches(cuts, total), self.version)
        return {"rows": self.given, "of": total}

    def _batches(self, cuts: list[int], total: int) -> Iterator[Rows]:
        for begin, end in pairwise(cuts):
            rows = self._scored(begin, end)
            for start in range(0, len(rows), BATCH):
                self.progress.say("replaying what was asked since", self.given, total)
                batch = rows[start : start + BATCH]
                self.given += len(batch)
                yield batch

    def _cuts(self) -> tuple[list[int], int]:
        """Times between which some thousands of rows were served, and the number of all rows."""
        found = self.log.read(self.loop.name, version=self.log_version, columns=["served_at"], where=self._where())
        times = np.sort(found["served_at"].cast(_STAMP).cast(pa.int64()).to_numpy())
        if not times.size:
            return [], 0
        return [*np.unique(times[::READ]).tolist(), int(times[-1]) + 1], int(times.size)

    def _where(self, begin: int | None = None, end: int | None = None) -> pc.Expression:
        served = pc.field("served_at")
        where = ANSWERED & (pc.field("generation") >= self.generation)
        where &= served >= pa.scalar(self.since if begin is None else begin, _STAMP)
        return where if end is None else where & (served < pa.scalar(end, _STAMP))

    def _scored(self, begin: int, end: int) -> Rows:
        rows = self.log.read(self.loop.name, version=self.log_version, where=self._where(begin, end))
        rows = rows.sort_by([("served_at", "ascending"), ("prediction_id", "ascending")])
        answers = self._answers(rows)
        return [self._told(row, answer) for row, answer in zip(rows.to_pylist(), answers, strict=True)]

    def _answers(self, rows: pa.Table) -> list[Score | None]:
        """What the version itself said, and says of the rest; None where it cannot answer."""
        logged = zip(rows["version"].to_pylist(), rows[self.loop.task.column].to_pylist(), strict=True)
        own = [value if version == self.version else None for version, value in logged]
        others = np.array([place for place, value in enumerate(own) if value is None], dtype=np.int64)
        if others.size:
            for place, value in zip(others, self._said_anew(rows.take(pa.array(others))), strict=True):
                own[place] = value
        return own

    def _said_anew(self, rows: pa.Table) -> list[Score | None]:
        columns: Mapping[str, Any] = served_columns(rows, dict(self.runtime.inputs))
        try:
            return [*answers(self.runtime, self.runtime.predict(columns), rows.num_rows)]
        except Exception as error:  # a model may fail in any way
            _LOG.warning("%s does not answer %d rows: %s", self.version, rows.num_rows, error)
            return [None] * rows.num_rows

    def _told(self, row: dict[str, Any], answer: Score | None) -> dict[str, Any]:
        told = {name: row.get(name) for name in _TOLD}
        task = self.loop.task
        prediction, stands_on = (None, None) if answer is None else said(task, self.loop.threshold, answer)
        one, by_class = chances(task, stands_on)
        parts = {part: {name[2:]: row[name] for name in row if name.startswith(part)} for part in ("q_", "x_")}
        return {
            **told,
            "answered_by": row["version"],
            "version": self.version,
            **({"probability": None if answer is None else one} if task.name == "binary" else {}),
            **({"probabilities": None if answer is None else by_class} if task.name == "multiclass" else {}),
            "prediction": prediction,
            "question": parts["q_"],
            "features": parts["x_"],
        }
