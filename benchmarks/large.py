"""The join beyond memory, in a process of its own so that its peak can be told: questions x facts on disk."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks.made import LATEST, made
from homeostat.adapters.duckdb.offline import DuckDbEngine
from homeostat.data.tables import SEQUENCE

FACTS_A_FILE, ENTITIES = 1_000_000, 1_000_000
"""Rows of one file; devices among whom the facts are spread."""


def beyond_memory(files: int, memory: int) -> dict[str, Any]:
    """Join a tenth as many questions as facts, in ``files`` files of a million facts, within ``memory`` bytes."""
    command = [sys.executable, "-m", "benchmarks.large", str(files), str(memory)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Write the facts, join, and tell seconds and peak memory."""
    files, memory = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        for number in range(files):
            _write(Path(folder) / "facts", number)
        question = made(files * FACTS_A_FILE // 10, 1, ENTITIES).question
        question = question.set_column(2, SEQUENCE, pa.array(np.full(len(question), files * FACTS_A_FILE)))
        before = _peak()
        began = time.perf_counter()
        engine = DuckDbEngine(Path(folder) / "work", memory=memory)
        answers = engine.answer(LATEST, question, {"readings": ds.dataset(Path(folder) / "facts")})
        seconds = time.perf_counter() - began
    found = int(np.count_nonzero(~np.isnan(answers.columns["device_a"])))
    told = {"seconds": seconds, "peak_bytes": _peak(), "peak_before_bytes": before}
    print(json.dumps({**told, "questions": len(question), "found": found}))


def _peak() -> int:
    """Bytes of this program alone; what ``getrusage`` tells begins with the parent's."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _write(folder: Path, number: int) -> None:
    """One file of facts; their times fill the year in every file, their sequences follow those of the last."""
    folder.mkdir(exist_ok=True)
    facts = made(1, FACTS_A_FILE, ENTITIES, seed=number).facts
    ids = pc.binary_join_element_wise(facts["id"], pa.scalar(str(number)), "-")
    facts = facts.set_column(0, "id", ids)
    sequence = pc.add(facts[SEQUENCE], number * FACTS_A_FILE)
    facts = facts.set_column(facts.column_names.index(SEQUENCE), SEQUENCE, sequence)
    pq.write_table(facts, folder / f"{number:04d}.parquet")


if __name__ == "__main__":
    main()
