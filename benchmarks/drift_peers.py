"""What Homeostat's drift is held against, run by an interpreter that has it: ``python drift_peers.py FOLDER NAME``.

Every one runs on one core and tells JSON in its last line: cells, processor seconds, memory, columns flagged. Tools
that take minutes are given a tenth of the rows. Imports, the reference's bins and, for tools that take frames, reading
are not counted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BINS, TENTH = 20, 10
Work = Callable[[], "list[str] | None"]


def main() -> None:
    """Prepare one by its name, then time it."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    timed(*_BY_NAME[sys.argv[2]](Path(sys.argv[1])))


def timed(cells: int, work: Work) -> None:
    """Tell JSON: processor seconds, the most memory beyond what was held before, what was flagged."""
    before, began = _mebibytes("VmRSS"), time.process_time()
    flagged = work()
    taken, more = time.process_time() - began, max(0, _mebibytes("VmHWM") - before)
    told = {"cells": cells, "seconds": taken, "mebibytes": more, "flagged": flagged}
    print("\n" + json.dumps(told))


def reading(folder: Path) -> tuple[int, Work]:
    """The current rows from disk, texts as codes, in parts: the least that counting them takes."""
    files = _files(folder, "now")
    texts = [name for name in pq.read_schema(files[0]).names if name.startswith("c")]

    def work() -> None:
        for file in files:
            for _ in pq.ParquetFile(file, read_dictionary=texts).iter_batches(32_768, use_threads=False):
                pass

    return _cells(files), work


def numpy_pass(folder: Path) -> tuple[int, Work]:
    """Current values, in memory, looked up among the reference's quantiles; texts counted in dictionaries."""
    edges, now = _edges(folder), _read(folder, "now")

    def work() -> None:
        for name in now.column_names:
            values = now[name].to_numpy()
            if name in edges:
                np.bincount(np.searchsorted(edges[name], values[~np.isnan(values)]), minlength=BINS)
            else:
                Counter(values.tolist())

    return now.num_rows * now.num_columns, work


def duckdb_pass(folder: Path) -> tuple[int, Work]:
    """Current rows in DuckDB's histogram over the reference's quantiles, straight from the files."""
    import duckdb

    edges, files = _edges(folder), _files(folder, "now")
    names = pq.read_schema(files[0]).names
    asked = [f"histogram({name}, {edges[name].tolist()})" if name in edges else f"histogram({name})" for name in names]
    engine = duckdb.connect()
    engine.execute("SET threads = 1")

    def work() -> None:
        engine.execute(f"SELECT {', '.join(asked)} FROM read_parquet({[str(file) for file in files]})").fetchall()

    return _cells(files), work


def evidently(folder: Path) -> tuple[int, Work]:
    """Its preset for drift with everything at its default."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    before, now = _frame(folder, "before"), _frame(folder, "now")
    numbers = [name for name in before.columns if name.startswith("n")]
    texts = [name for name in before.columns if name not in numbers]
    shape = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    sides = [Dataset.from_pandas(side, data_definition=shape) for side in (now, before)]

    def work() -> list[str]:
        told = Report([DataDriftPreset()]).run(*sides).dict()["metrics"]
        found = [(one["config"], one["value"]) for one in told if "column" in one["config"]]
        return [
            config["column"]
            for config, value in found
            if (value < config["threshold"] if "p_value" in config["method"] else value >= config["threshold"])
        ]

    return before.size + now.size, work


def nannyml(folder: Path) -> tuple[int, Work]:
    """Its univariate drift with everything at its default, in ten chunks."""
    import nannyml as nml

    before, now = _frame(folder, "before"), _frame(folder, "now")

    def work() -> list[str]:
        calculator = nml.UnivariateDriftCalculator(column_names=list(before.columns), chunk_number=10)
        frame = calculator.fit(before).calculate(now).filter(period="analysis").to_df()
        return [name for name in before.columns if frame[name].xs("alert", axis=1, level=-1).to_numpy().any()]

    return before.size + now.size, work


def _edges(folder: Path) -> dict[str, Any]:
    """The reference's quantiles."""
    before, shares = _read(folder, "before"), np.linspace(0, 1, BINS + 1)[1:-1]
    names = [name for name in before.column_names if name.startswith("n")]
    return {name: np.unique(np.nanquantile(before[name].to_numpy(), shares)) for name in names}


def _files(folder: Path, table: str) -> list[Path]:
    return sorted((folder / table).glob("*.parquet"))


def _cells(files: list[Path]) -> int:
    described = [pq.read_metadata(file) for file in files]
    return sum(one.num_rows * one.num_columns for one in described)


def _read(folder: Path, table: str) -> pa.Table:
    return pa.concat_tables([pq.read_table(file, use_threads=False) for file in _files(folder, table)])


def _frame(folder: Path, table: str) -> Any:
    """A tenth of the rows, for pandas."""
    rows = _read(folder, table)
    return rows.slice(0, rows.num_rows // TENTH).to_pandas()


def _mebibytes(what: str) -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{what}:"))
    return int(line.split()[1]) >> 10


OURS_TOO = ("reading alone", "NumPy, looking each value up", "DuckDB, histogram")
"""What Homeostat's own interpreter has."""
TOOLS = ("evidently", "nannyml")
_BY_NAME: dict[str, Callable[[Path], tuple[int, Work]]] = dict(
    zip((*OURS_TOO, *TOOLS), (reading, numpy_pass, duckdb_pass, evidently, nannyml), strict=True)
)

if __name__ == "__main__":
    main()
