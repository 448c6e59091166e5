"""What a candidate's steps are built from: the job, its loop, and where things are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from homeostat.app.loops.labelled_loops import LabelledLoop
from homeostat.app.pipeline.outside import Outside
from homeostat.app.provenance.recording import Recording
from homeostat.control.gates import Gate
from homeostat.control.rollouts import Canary
from homeostat.data.contract_changes import Contract
from homeostat.data.tables import Table
from homeostat.registry.fingerprint import config_hash
from homeostat.training.jobs import JobFolder, TrainingJob
from homeostat.training.own_steps import OwnStep
from homeostat.training.search import Search
from homeostat.training.steps import NoReads

if TYPE_CHECKING:
    import pyarrow as pa

    from homeostat.monitoring.kept_slices import Slice
    from homeostat.training.rows import TrainingRows
    from homeostat.training.training_set import LabelledRows, Sources


class Trainable(LabelledLoop, Protocol):
    """What training needs of a loop."""

    @property
    def train(self) -> Callable[[Any, Mapping[str, Any]], Any]: ...
    @property
    def config(self) -> Mapping[str, Any]: ...
    @property
    def runtime(self) -> str: ...
    @property
    def files(self) -> Sequence[str]: ...
    @property
    def variables(self) -> Sequence[str]: ...
    @property
    def purpose(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def threshold(self) -> float: ...
    @property
    def sliced_by(self) -> tuple[Slice, ...]: ...
    @property
    def gate(self) -> Gate: ...
    @property
    def rollout(self) -> Canary: ...
    @property
    def canonical(self) -> Mapping[str, Any]: ...
    @property
    def steps(self) -> Sequence[OwnStep]: ...
    @property
    def search(self) -> Search | None: ...


@dataclass(frozen=True)
class Material:
    """One candidate's. ``recording`` knows the code that was loaded, and where it runs. ``reading`` gives what may be
    read of the tables.

    ``served`` reads the rows of the prediction log that are compared with what training computes; None where nothing
    was served yet. The loop's functions run on as many cores as ``threads``; 0: on all. ``outside`` knows what the loop
    file has taken from there when it was loaded.
    """

    job: TrainingJob
    loop: Trainable
    place: JobFolder
    reading: Callable[[], Sources]
    recording: Recording
    served: Callable[[], pa.Table | None] = lambda: None
    threads: int = 0
    outside: Outside = field(default_factory=Outside)
    _frames: dict[int, tuple[LabelledRows, TrainingRows]] = field(default_factory=dict)

    @cached_property
    def sources(self) -> Sources:
        """What may be read: opened when a step first needs it."""
        return self.reading()

    def rows(self, labelled: LabelledRows | TrainingRows) -> TrainingRows:
        """Rows in the form in which models take them, made once; as they are where they have that form."""
        from homeostat.training.rows import TrainingRows

        if isinstance(labelled, TrainingRows):
            return labelled
        if id(labelled) not in self._frames:
            self._frames[id(labelled)] = labelled, labelled.rows(self.loop.feature_set, self.loop.label.classes)
        return self._frames[id(labelled)][1]

    def decided_by_code(self, *, config: bool = True) -> dict[str, Any]:
        """What decides the outcome of a user's function besides the rows that it is given."""
        return {
            "code": self.recording.code_hash,
            "config": config_hash(self.loop.config) if config else None,
            "environment": self.recording.environment.hash,
            "inputs": list(self.loop.feature_set.kinds.items()),
            **self.drawn_by,
        }

    @property
    def turns_out(self) -> dict[str, Any]:
        """What a user's function turns out to depend on: the parts of its step that tell of files and variables."""
        return {"sources": self.recording.sources.hashes, "reads": self.recording.reads or NoReads()}

    @property
    def drawn_by(self) -> Mapping[str, Any]:
        """What decides which labels a prediction has shaped; nothing where the loop declares no feedback."""
        declared = self.loop.feedback
        return {} if declared is None else {"feedback": [declared.declared, self.job.log_version]}

    @property
    def reports(self) -> Sequence[Table]:
        """The table in which callers report what they did, where they do and have."""
        declared = self.loop.feedback
        table = None if declared is None else declared.reported
        return [] if table is None or table.name not in self.job.table_versions else [table]

    def read_at(self, *tables: Table) -> Mapping[str, Any]:
        """What decides the facts that are read of tables: what each promises, its version, and how far it counts."""
        versions = {table.name: self.job.table_versions.get(table.name) for table in tables}
        contracts = {table.name: Contract.of(table).hash for table in tables}
        return {"contracts": contracts, "versions": versions, "sequence": self.job.sequence}
