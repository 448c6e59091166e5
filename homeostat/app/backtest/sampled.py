"""Rows of every day of a back-test with their inputs, and each version's answers to them: errors are learnt there."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.app.home import write_whole
from homeostat.monitoring.history import Rows
from homeostat.monitoring.signals import Unknown
from homeostat.stats.arrays import Floats
from homeostat.stats.tasks import Task

if TYPE_CHECKING:
    from homeostat.control.days import Day
    from homeostat.kernel.clock import Instant

EACH = 250
"""Rows of a day, at even steps through it: live, 28 days of some 400 are read."""


def places_of(spans: Iterable[slice]) -> NDArray[np.int64]:
    """The rows of each day that are kept."""
    found = [
        np.unique(np.linspace(one.start, one.stop - 1, EACH).astype(np.int64)) for one in spans if one.stop > one.start
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *found])


def write_rows(path: Path, names: Sequence[str], truth: Floats, columns: Mapping[str, NDArray[Any]]) -> None:
    """Keep rows with the names of their days, whole or not at all."""
    held = io.BytesIO()
    inputs = {f"x_{name}": _plain(values) for name, values in columns.items()}
    np.savez_compressed(held, days=np.array(names, dtype=np.str_), truth=truth, **inputs)  # type: ignore[arg-type]
    write_whole(path, held.getvalue())


@dataclass(frozen=True, slots=True, eq=False)
class KeptRows:
    """The rows of a back-test, read as those of a log are; ``answers`` are those of each version, NaN before it."""

    task: Task
    days: NDArray[np.int64]
    truth: Floats
    columns: Mapping[str, NDArray[Any]]
    answers: Mapping[str, Floats]

    @classmethod
    def of(cls, path: Path, task: Task, answers: Mapping[str, Floats]) -> KeptRows | None:
        """Read them back; None where they were not kept, or do not fit the answers."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                days = kept["days"].astype("datetime64[D]").astype(np.int64)
                columns = {name[2:]: kept[name] for name in kept.files if name.startswith("x_")}
                found = cls(task, days, kept["truth"], columns, answers)
        except (OSError, ValueError, KeyError):
            return None
        return found if all(one.size == days.size for one in answers.values()) else None

    def read(self, version: str, days: Sequence[Day], now: Instant, rng: np.random.Generator) -> Rows | Unknown:
        """Rows of some days with the truth as known at ``now``, as a version answers them."""
        del rng
        if version not in self.answers:
            return Unknown("no_rows")
        due = {int(np.datetime64(one.day, "D").astype(np.int64)): one.mature_at <= now for one in days}
        chosen = np.flatnonzero(np.isin(self.days, list(due)))
        known = np.array([due[day] for day in self.days[chosen].tolist()], dtype=np.bool_)
        columns = {name: values[chosen] for name, values in self.columns.items()}
        truth = np.where(known, self.truth[chosen], np.nan)
        return Rows(self.days[chosen], columns, self.answers[version][chosen], truth, self.task)


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Numbers, or texts with an empty one for what is missing: nothing that would have to be unpickled."""
    if values.dtype.kind in "OUS":
        return np.array(["" if one is None else str(one) for one in values.tolist()], dtype=np.str_)
    return np.asarray(values, dtype=np.float64)
