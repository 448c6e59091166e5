"""Scores logged rows with any version, off the reply path, from the very features that were served."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.app.versions.runtimes import load_runtime
from homeostat.data.profiles import ReferenceProfile
from homeostat.features.logged import Logged
from homeostat.kernel.errors import HomeostatError
from homeostat.kernel.verdicts import ACCEPT
from homeostat.registry.binding import Binding, judge_binding
from homeostat.registry.models import Registry
from homeostat.serving.runtimes import Runtime, answers
from homeostat.stats.tasks import Multiclass, Task

_LOG = logging.getLogger("homeostat.control")
Columns = Mapping[str, NDArray[Any]]


class Scorer:
    """Keeps the versions of one loop loaded that were asked for last; few are ever of interest at once."""

    def __init__(self, loop: str, registry: Registry, keep: int = 6) -> None:
        self._loop, self._registry, self._keep = loop, registry, keep
        self._runtimes: dict[str, Runtime] = {}

    def scores(self, versions: Iterable[str], columns: Columns) -> dict[str, NDArray[np.float64]]:
        """Each version's answer to every row; without the versions that fail on some row.

        What cannot be scored is unknown, which promotes nobody; it must not keep anyone from looking.
        Raises: HomeostatError where a version's files are missing or changed.
        """
        found = {}
        for version in versions:
            try:
                found[version] = self._scores(version, columns)
            except HomeostatError:
                raise
            except Exception as error:  # a model may fail in any way
                _LOG.warning("%s/%s does not score the rows of a day: %s", self._loop, version, error)
        return found

    def profile(self, version: str) -> ReferenceProfile:
        """The version's reference profile."""
        return read_profile(self._registry.folder(self._loop, version))

    def _scores(self, version: str, columns: Columns) -> NDArray[np.float64]:
        rows = len(next(iter(columns.values())))
        runtime = self._runtime(version)
        return np.array(answers(runtime, runtime.predict(columns), rows))  # type: ignore[arg-type]

    def _runtime(self, version: str) -> Runtime:
        runtime = self._runtimes.pop(version, None)
        if runtime is None:
            runtime = load_runtime(self._registry.folder(self._loop, version), self._loop, version)
        self._runtimes[version] = runtime
        while len(self._runtimes) > self._keep:
            del self._runtimes[next(iter(self._runtimes))]
        return runtime


def answers_of(log: pa.Table, task: Task) -> NDArray[np.float64]:
    """What was answered to logged rows, as it is judged: probabilities, numbers, or a table of chances."""
    column = log[task.column]
    if not isinstance(task, Multiclass):
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    table: list[list[float]] = column.to_pylist()
    return np.array(table, dtype=np.float64).reshape(log.num_rows, len(task.classes))  # also on a day without rows


def can_judge(log: pa.Table, bound: Binding, known: Mapping[str, Logged]) -> bool:
    """Whether every row was served with features that mean what a version was trained on.

    Rows older than the keeping of definitions say nothing, and are taken at their names.
    """
    if "definitions" not in log.column_names:
        return True
    names = [name for name in log["definitions"].unique().to_pylist() if name]
    if any(name not in known for name in names):
        return False
    return all(judge_binding(bound, Binding.of(known[name])).name == ACCEPT for name in names)


def read_profile(folder: Path) -> ReferenceProfile:
    """Read the profile that travels with a version."""
    return ReferenceProfile.from_json(msgspec.json.decode((folder / "profile.json").read_bytes()))
