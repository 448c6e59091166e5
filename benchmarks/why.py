"""How long ``homeostat why`` takes on a log of ten million predictions: ``python -m benchmarks.why [ROWS]``.

A small loop is run until it serves; then predictions, and the facts that label them and are behind their features, are
appended as the recorder appends them: 8,000 rows a commit, files merged as they are in operation.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from homeostat.adapters.delta.rows import LOG_SOUGHT, facts_schema, sought_of  # noqa: E402
from homeostat.adapters.delta.tables import DeltaTables  # noqa: E402
from homeostat.app.gateway.prediction_ids import new_prediction_id  # noqa: E402
from homeostat.app.home import Home  # noqa: E402
from homeostat.app.loops.loader import load_loops  # noqa: E402
from homeostat.app.processes.supervisor import module_command  # noqa: E402
from homeostat.app.settings import Settings  # noqa: E402
from tests.harness.running import started  # noqa: E402
from tests.harness.world import HOUR, LOOP, World, day, write_loop  # noqa: E402

ROWS, PART, DAYS = 10_000_000, 8_000, 300
FROM = 8
Json = dict[str, Any]


def main() -> None:
    """Build the home, unless the folder has it, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=ROWS)
    parser.add_argument("--folder", type=Path, help="keep the home here, and use the one that is here")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        if not (folder / "ids.json").exists():
            build(folder, asked.rows)
        found = measured(folder)
    print(json.dumps(found, indent=2) if asked.json else told(found))


def build(folder: Path, rows: int) -> None:
    """A home that served for a day, then its log and the facts grown to so many rows."""
    folder.mkdir(parents=True, exist_ok=True)
    home = Home(folder / "home")
    with started(home.root, write_loop(folder)) as running:
        running.history(World(), 0, 7)
        running.barrier(day(7))
        running.live(World(), 7, FROM)
    Settings.load(home.root).model_copy(update={"clock": "system"}).save()  # or nothing was ever due
    loop = load_loops(folder / "loop.py")[LOOP]
    log = DeltaTables(home.log, sought=lambda _: LOG_SOUGHT)
    tables = DeltaTables(home.tables, sought=lambda _: sought_of(loop.label.table))
    pattern = log.read(LOOP).slice(0, 1)
    ids = []
    for number, begin in enumerate(range(0, rows, PART)):
        places = np.arange(begin, min(rows, begin + PART))
        at = day(FROM) + places * (DAYS * 24 * HOUR // rows)
        made = predictions(pattern, places, at)
        log.append(LOOP, made, writer="benchmark", upto=number)
        tables.append("purchases", purchases(facts_schema(loop.label.table), places, at), writer="bench", upto=number)
        ids.append(made["prediction_id"][len(places) // 2].as_py())
        if number % 100 == 0:
            print(f"{begin:,} of {rows:,} rows ...", file=sys.stderr, flush=True)
    (folder / "ids.json").write_text(json.dumps({"rows": rows, "ids": ids}))


def predictions(pattern: pa.Table, places: np.ndarray, at: np.ndarray) -> pa.Table:
    """Rows like one that was served, at their own times, with their own ids and keys."""
    chance = np.random.default_rng(int(places[0]))
    own: Json = {
        "prediction_id": [new_prediction_id(int(each)) for each in at],
        "key": [f'["{name}"]' for name in keys(places)],
        "q_visit": keys(places),
        "asked_at": at,
        "served_at": at,
        "q_at": at,
        "q_due": at + HOUR,
        "read_sequence": np.maximum(0, places - 2_000) + (1 << 40),
        "probability": chance.random(len(places)),
        "x_x": chance.normal(size=len(places)),
        "_position": places + (1 << 50),
    }
    arrays = []
    for field in pattern.schema:
        if field.name in own:
            arrays.append(pa.array(own[field.name]).cast(field.type))
        else:
            arrays.append(pa.concat_arrays([pattern[field.name].combine_chunks()] * len(places)))
    return pa.table(arrays, schema=pattern.schema)


def keys(places: np.ndarray) -> list[str]:
    """Keys that say nothing of the time."""
    return [f"{place * 2_654_435_761 % 2**32:08x}" for place in places.tolist()]


def purchases(schema: pa.Schema, places: np.ndarray, at: np.ndarray) -> pa.Table:
    """What became of each, known an hour later."""
    known = at + HOUR
    columns: Json = {
        "visit": keys(places),
        "at": known,
        "shop": np.where(places % 2 == 0, "north", "south"),
        "spent": np.where(places % 3 == 0, 20.0, 5.0),
        "_sequence": places + (1 << 40),
        "_known_at": known,
        "_imported": np.zeros(len(places), dtype=bool),
    }
    return pa.table([pa.array(columns[field.name]).cast(field.type) for field in schema], schema=schema)


def measured(folder: Path) -> Json:
    """Seconds by the clock and of the processor: processes that begin with the question, and one that goes on."""
    kept = json.loads((folder / "ids.json").read_text())
    chosen = [kept["ids"][place] for place in np.linspace(0, len(kept["ids"]) - 1, 7).astype(int)]
    cold = [alone(folder / "home", one) for one in chosen]
    warm = one_process(folder / "home", chosen * 3)
    return {
        "rows": kept["rows"],
        "load": os.getloadavg()[0],
        "cold": {"seconds": [one for one, _ in cold], "processor": [one for _, one in cold]},
        "warm": warm,
    }


def alone(home: Path, prediction: str) -> tuple[float, float]:
    """The command on a home where nothing runs."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = module_command("homeostat.cli.main", "why", prediction, "--home", str(home), "--json")
    done = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert done.returncode in (0, 3), done.stderr  # its features are made up, so what they are made of differs
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert json.loads(done.stdout)["label"]["status"] == "labelled"
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def one_process(home: Path, ids: list[str]) -> Json:
    """As control answers: the first question opens the tables, later ones find them open."""
    from homeostat.cli.context import traced

    seconds, processor = [], []
    tracing, now = traced(home, None)
    for one in ids:
        began, busy = time.perf_counter(), time.process_time()
        tracing.told(one, now)
        seconds.append(time.perf_counter() - began)
        processor.append(time.process_time() - busy)
    return {"first": seconds[0], "seconds": seconds[1:], "processor": processor[1:]}


def told(found: Json) -> str:
    """Three lines."""
    cold, warm = found["cold"], found["warm"]
    return "\n".join(
        (
            f"{found['rows']:,} predictions, {os.cpu_count()} cores, load {found['load']:.1f}",
            f"a process of its own   {median(cold['seconds']):.2f} s by the clock (at most {max(cold['seconds']):.2f}),"
            f" {median(cold['processor']):.2f} s of the processor",
            f"a process that goes on {median(warm['seconds']):.3f} s by the clock (at most {max(warm['seconds']):.3f}),"
            f" {median(warm['processor']):.3f} s of the processor; its first {warm['first']:.2f} s",
        )
    )


if __name__ == "__main__":
    main()
