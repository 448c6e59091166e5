"""What a candidate's steps are built from: the job, its loop, and where things are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from homeostat.app.labelled_loops import LabelledLoop
from homeostat.app.provenance.recording import Recording
from homeostat.data.contract_changes import Contract
from homeostat.data.tables import Table
from homeostat.kernel.canonical import plain
from homeostat.training.jobs import JobFolder, TrainingJob
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
    def canonical(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Material:
    """One candidate's. ``recording`` knows the code that was loaded, and where it runs. ``served`` reads the rows of
    the prediction log that are compared with what training computes; None where nothing was served yet."""

    job: TrainingJob
    loop: Trainable
    place: JobFolder
    sources: Sources
    recording: Recording
    served: Callable[[], pa.Table | None] = lambda: None
    _frames: dict[int, tuple[LabelledRows, TrainingRows]] = field(default_factory=dict)

    def rows(self, labelled: LabelledRows) -> TrainingRows:
        """Rows in the form in which models take them, made once."""
        if id(labelled) not in self._frames:
            self._frames[id(labelled)] = labelled, labelled.rows(self.loop.feature_set)
        return self._frames[id(labelled)][1]

    @property
    def drawn_by(self) -> Mapping[str, Any]:
        """What decides which labels a prediction has shaped; nothing where the loop declares no feedback."""
        declared = self.loop.feedback
        return {} if declared is None else {"feedback": [plain(declared), self.job.log_version]}

    def read_at(self, *tables: Table) -> Mapping[str, Any]:
        """What decides the facts that are read of tables: what each promises, its version, and how far it counts."""
        versions = {table.name: self.job.table_versions.get(table.name) for table in tables}
        contracts = {table.name: Contract.of(table).hash for table in tables}
        return {"contracts": contracts, "versions": versions, "sequence": self.job.sequence}
