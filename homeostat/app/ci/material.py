"""What the checks of a change look at: the changed loop, the home's facts at a pin, its champion, a sample of rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.home import Home
from homeostat.app.loops.labelled_sources import sources_now
from homeostat.app.settings import Settings
from homeostat.app.training.runner import TrainingRunner
from homeostat.app.versions.manifests import Manifests
from homeostat.control.loop import Loop
from homeostat.control.state import LoopState, initial_state
from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.errors import NotEnoughData, NotFound
from homeostat.registry.models import Version
from homeostat.training.checks import MIN_OF_CLASS
from homeostat.training.jobs import TrainingJob, TrainingResult
from homeostat.training.training_set import Sources, local_days

CANDIDATE = "v0"
"""The name of a version that is made to be checked and never registered."""
_HELD_SHARE = 0.2
_FEW = 2_000
"""With fewer rows to judge by, a difference from the champion is hardly ever proven, either way."""


@dataclass(frozen=True, slots=True)
class Material:
    """One change of one loop; ``work`` is a folder to write in. Rows asked in [since, cutoff) are trained on."""

    loop: Loop
    loop_file: Path
    home: Home
    state: LoopState
    sources: Sources
    champion: Version | None
    as_of: Instant
    cutoff: Instant
    work: Path
    runner: TrainingRunner

    @property
    def champion_folder(self) -> Path | None:
        """Where the champion's files lie."""
        return None if self.champion is None else self.home.versions / self.loop.name / self.champion.version

    def sample(self, rows: int) -> Instant | None:
        """The time from which about so many questions were asked before the cut-off; None where all of them fit."""
        times = mature_times(self.loop, self.sources)
        eligible = times[times < self.cutoff]
        if not eligible.size:
            raise NotEnoughData(
                "No question with a mature label is there to train on.",
                mend="Check against a home that holds the loop's history; see 'homeostat import' and 'homeostat init'.",
                rows=0,
            )
        return None if eligible.size <= rows else int(eligible[-rows])

    def train(self, name: str, rows: int, *, judged: bool) -> TrainingResult:
        """Train a version on a sample, in a child with its limits; held against served features where ``judged``.

        Raises: whatever the training ended in.
        """
        since, _ = self.loop.training_span(self.as_of, first=self.champion is None)
        sample = self.sample(rows)
        log = DeltaTables(self.home.log)
        job = TrainingJob(
            loop_file=str(self.loop_file),
            loop=self.loop.name,
            version=CANDIDATE,
            tables=str(self.home.tables),
            table_versions=self.sources.table_versions,
            sequence=self.sources.sequence,
            since=max((one for one in (since, sample) if one is not None), default=None),
            cutoff=self.cutoff,
            as_of=self.as_of,
            champion=None,
            min_rows=min(rows, self.loop.retrain.min_rows) if judged else 2 * MIN_OF_CLASS,
            confidence=self.loop.gate.confidence,
            log=str(self.home.log),
            log_version=log.version(self.loop.name) if judged else -1,
            served_since=self.as_of - duration(self.loop.gate.served),
        )
        return self.runner.run(job, self.work / name)

    def staged(self, name: str) -> Path:
        """The folder of the version that a training left."""
        return self.work / name / "version"


def read_material(loop: Loop, loop_file: Path, settings: Settings, work: Path) -> Material:
    """Everything as the home has it now.

    Raises: NotFound for a home without the loop's tables, or whose champion's folder is missing.
    """
    home = settings.paths
    state = initial_state(loop.name)
    if home.control_db.exists():
        state = Operations.open(home).state(loop.name)
    sources = sources_now(settings, loop, state.decided_until)
    _must_have_tables(loop, sources, home)
    if state.decided_until is None and settings.clock == "system":
        sources = Sources(sources.read, sources.table_versions, sources.sequence, SystemClock().now())
    champion = Manifests(home.versions).find(loop.name, state.route.champion)
    if champion is None and state.route.champion is not None:
        raise NotFound(
            f"The folder of {state.route.champion}, which serves {loop.name!r}, is not in {home.versions}.",
            mend="Bring the home's versions along with its tables, or start Homeostat there once.",
            version=state.route.champion,
        )
    cutoff = _cutoff(loop, sources, first=champion is None)
    runner = TrainingRunner(
        settings.training_timeout_seconds, settings.training_memory_bytes, join_bytes=settings.join_memory_bytes
    )
    return Material(loop, loop_file, home, state, sources, champion, sources.as_of, cutoff, work, runner)


def mature_times(loop: Loop, sources: Sources) -> NDArray[np.int64]:
    """When questions were asked whose labels had their time to mature, oldest first."""
    question, label = loop.question, loop.label
    asked = sources.facts(question.name, list(dict.fromkeys([question.event_time, label.maturity_column])))
    times = asked[question.event_time].cast(pa.int64()).to_numpy()
    mature = asked[label.maturity_column].cast(pa.int64()).to_numpy() + label.maturity_delay <= sources.as_of
    found: NDArray[np.int64] = np.sort(times[mature])
    return found


def _cutoff(loop: Loop, sources: Sources, *, first: bool) -> Instant:
    """Where a training of now would cut; earlier where few days or rows follow, so that the newest fifth can judge."""
    _, cutoff = loop.training_span(sources.as_of, first=first)
    times = mature_times(loop, sources)
    days = local_days(times, loop.timezone)
    names = np.unique(days)
    held = max(loop.gate.min_days, round(_HELD_SHARE * names.size))
    later = times >= cutoff
    enough = np.unique(days[later]).size >= loop.gate.min_days and later.sum() >= _FEW
    if enough or names.size <= held:
        return cutoff
    return min(cutoff, int(times[days >= names[-held]].min()))


def _must_have_tables(loop: Loop, sources: Sources, home: Home) -> None:
    for table in (loop.question, loop.label.table):
        if table.name not in sources.table_versions:
            raise NotFound(
                f"Nothing is stored for table {table.name!r} in {home.root}.",
                mend="Name the home that holds the loop's history with --home; 'homeostat import' makes one.",
                table=table.name,
            )


def newest(facts: pa.Table, column: str, rows: int) -> pa.Table:
    """The rows that are newest by a column."""
    if facts.num_rows <= rows:
        return facts
    return facts.take(pc.sort_indices(facts, [(column, "descending")])[:rows])
