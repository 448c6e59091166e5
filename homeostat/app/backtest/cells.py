"""Versions of a back-test as they are kept: what each came to on every day, by a key of all that decides it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from homeostat.app.backtest.grid import Ask, Grid
from homeostat.app.home import write_whole
from homeostat.app.provenance.environments import environment_of_children
from homeostat.app.provenance.gathering import code_hash
from homeostat.control.backtest.matrix import PastDay, Trial
from homeostat.control.loop import Loop
from homeostat.kernel.canonical import digest, plain
from homeostat.monitoring.drift_table import DriftTable
from homeostat.registry.binding import Binding
from homeostat.registry.fingerprint import config_hash
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import SCORE_BINS, ScoreSums
from homeostat.stats.tasks import sums_type

FORM = 3
"""The form of what is kept; another one is made anew."""
Arrays = Mapping[str, NDArray[Any]]
_SUMS = ("rows", "positives", "log_loss", "brier")


@dataclass(frozen=True, slots=True)
class Cell:
    """A version, and what the days it saw had in them: so many asked, labelled and without a label, day by day. Of
    predicted numbers also its ``answers`` to the rows that are kept of each day."""

    trial: Trial
    counts: NDArray[np.int64]
    answers: NDArray[np.float64] | None = None

    def days(self, grid: Grid) -> list[PastDay]:
        """The days of the grid with their counts."""
        return [
            PastDay(day.window, day.mature_at, *(int(one) for one in counts))
            for day, counts in zip(grid.days, self.counts, strict=True)
        ]


def keys_of(
    loop: Loop, loop_file: Path, grid: Grid, variables: Mapping[str, str] = MappingProxyType({})
) -> dict[int, str]:
    """A key for each version: code, what was known, config and environment with the ``variables`` that its code reads,
    and the days that it is judged on."""
    fixed = {
        "form": FORM,
        "code": code_hash(loop_file, loop.train),
        "config": config_hash(loop.config),
        "environment": environment_of_children(),
        "features": loop.feature_set.hash,
        "definitions": Binding.of(loop.feature_set).definitions,
        "label": [loop.label.table.name, loop.label.condition, loop.label.matures],
        "min_rows": loop.retrain.min_rows,
        "drift": plain(loop.drift),
        "days": [[day.window.start, day.mature_at, known] for day, known in zip(grid.days, grid.known, strict=True)],
    }
    if variables:
        fixed["variables"] = dict(variables)
    if loop.feedback is not None:
        fixed["feedback"] = loop.feedback.declared
    return {ask.number: digest([fixed, ask]) for ask in grid.asks}


@dataclass(frozen=True, slots=True)
class Cells:
    """The folder in which versions of back-tests are kept."""

    folder: Path

    def path(self, key: str) -> Path:
        """Where the version of a key lies, or would."""
        return self.folder / f"{key[:40]}.npz"

    def rows(self, keys: Mapping[int, str]) -> Path:
        """Where rows of every day lie that all of these versions answer."""
        return self.folder / f"rows-{digest(sorted(keys.values()))[:40]}.npz"

    def has(self, key: str) -> bool:
        """Whether it was made."""
        return self.path(key).exists()

    def read(self, key: str) -> Cell | None:
        """The version of a key; None where it was not made, or cannot be read."""
        try:
            with np.load(self.path(key), allow_pickle=False) as kept:
                return _cell(dict(kept))
        except (OSError, ValueError, KeyError):
            return None

    def keep_only(self, keys: Mapping[int, str]) -> None:
        """Drop versions that no week of the newest back-test needs: other code, or fewer days."""
        wanted = {self.rows(keys), *(self.path(key) for key in keys.values())}
        for path in self.folder.glob("*.npz"):
            if path not in wanted:
                path.unlink(missing_ok=True)


def write_cell(path: Path, cell: Cell) -> None:
    """Keep a version, whole or not at all."""
    held = io.BytesIO()
    np.savez_compressed(held, **_arrays(cell))  # type: ignore[arg-type]
    write_whole(path, held.getvalue())


def _arrays(cell: Cell) -> dict[str, NDArray[Any]]:
    trial, places = cell.trial, sorted(cell.trial.sums)
    told = {
        "version": trial.version,
        "asked_at": trial.asked_at,
        "cutoff": trial.cutoff,
        "labels": trial.labels,
        "seconds": trial.seconds,
        "problem": trial.problem,
        "drift_from": trial.drift_from,
        "drift": None if trial.drift is None else trial.drift.names(),
    }
    made = [trial.sums[place] for place in places]
    sums = [one for one in made if isinstance(one, ScoreSums)]
    if len(sums) < len(made):
        told["sums"] = [one.to_json() for one in made]
    return {
        "told": np.frombuffer(json.dumps(told).encode(), dtype=np.uint8),
        "counts": cell.counts,
        "places": np.array(places, dtype=np.int64),
        **{name: np.array([getattr(one, name) for one in sums], dtype=np.float64) for name in _SUMS},
        "negatives": np.array([one.negatives_by_score for one in sums], dtype=np.uint32).reshape(-1, SCORE_BINS),
        "positives_by": np.array([one.positives_by_score for one in sums], dtype=np.uint32).reshape(-1, SCORE_BINS),
        **({} if trial.drift is None else trial.drift.arrays()),
        **({} if cell.answers is None else {"answers": cell.answers}),
    }


def _cell(kept: Arrays) -> Cell:
    told = json.loads(kept["told"].tobytes())
    names, others = told.pop("drift"), told.pop("sums", None)
    sums: dict[int, Sums] = {
        int(place): msgspec.convert(others[at], sums_type(others[at]))
        if others is not None
        else ScoreSums(
            int(kept["rows"][at]),
            int(kept["positives"][at]),
            float(kept["log_loss"][at]),
            float(kept["brier"][at]),
            tuple(kept["negatives"][at].tolist()),
            tuple(kept["positives_by"][at].tolist()),
        )
        for at, place in enumerate(kept["places"])
    }
    drift = None if names is None else DriftTable.from_arrays(names, kept)
    labels = (int(told["labels"][0]), int(told["labels"][1]))
    return Cell(Trial(**{**told, "labels": labels}, sums=sums, drift=drift), kept["counts"], kept.get("answers"))


def asks_to_json(grid: Grid, keys: Mapping[int, str], numbers: list[int], cells: Cells) -> dict[str, Any]:
    """What a child is told: the days, the versions to make, and where all is kept."""
    return {
        "days": [[day.window.name, day.window.start, day.window.end, day.mature_at] for day in grid.days],
        "known": list(grid.known),
        "asks": [
            {
                "number": one.number,
                "asked_at": one.asked_at,
                "since": one.since,
                "cutoff": one.cutoff,
                "sequence": one.sequence,
            }
            for one in grid.asks
            if one.number in numbers
        ],
        "keys": {str(number): keys[number] for number in numbers},
        "folder": str(cells.folder),
        "rows": str(cells.rows(keys)),
    }


def ask_of(told: Mapping[str, Any]) -> Ask:
    """Read one back."""
    return Ask(**told)
