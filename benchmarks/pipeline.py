"""What a training without news costs, and a registration beside MLflow's own: ``python -m benchmarks.pipeline``.

By processor time, which neighbours of the machine change less than the clock.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from homeostat.adapters.delta.tables import DeltaTables  # noqa: E402
from homeostat.adapters.mlflow.registry import MlflowRegistry  # noqa: E402
from homeostat.adapters.mlflow.stores import Embedded  # noqa: E402
from homeostat.app.signing.signer import sign  # noqa: E402
from homeostat.app.signing.trust import keyring  # noqa: E402
from homeostat.app.training.runner import TrainingRunner  # noqa: E402
from homeostat.training.jobs import JobFolder, TrainingJob  # noqa: E402
from tests.unit.training import toy  # noqa: E402

DAYS, PER_DAY, LAST = 100, 1_000, 70
ROUNDS = 5


def main(folder: Path) -> None:
    """Print both; the least of some rounds."""
    print(f"load {os.getloadavg()[0]:.1f}")
    job, runner = job_of(folder), TrainingRunner(600.0, steps=folder / "steps")
    first = spent(lambda: runner.run(job, folder / "first"))
    print(f"a first training of {DAYS * PER_DAY:,} questions: processor {first[0]:.2f} s, clock {first[1]:.2f} s")
    again = [spent(lambda place=place: runner.run(job, folder / f"again{place}")) for place in range(ROUNDS)]
    print(f"again, nothing changed, every step kept: processor {min(again)[0]:.2f} s, clock {min(again)[1]:.2f} s")
    done = min(spent(lambda: runner.run(job, folder / "first")) for _ in range(ROUNDS))
    print(f"again, the very same job: processor {done[0]:.3f} s")
    register(job, folder, runner)


def register(job: TrainingJob, folder: Path, runner: TrainingRunner) -> None:
    """Sign and register some versions, the first of which also imports and makes what there is only once."""
    keys, store = keyring(), Embedded(folder / "mlflow.sqlite", folder / "mlflow-artifacts")
    registry, mlflows = MlflowRegistry(store, folder / "versions", keys), Clock()
    registry.list(job.loop)
    watch(registry._entries.client, mlflows)
    for number in range(1, ROUNDS + 1):
        named = replace(job, version=f"v{number}")
        version = runner.run(named, folder / named.version).version
        staged, mlflows.seconds = JobFolder(folder / named.version).staged, 0.0
        began = time.process_time()
        sign(version, staged, keys)
        signed = time.process_time()
        registry.add(version, staged)
        ours = time.process_time() - signed - mlflows.seconds
        told = f"sign {signed - began:.3f} s, register {ours:.3f} s beyond MLflow's own {mlflows.seconds:.3f} s"
        print(f"{version.id}: processor {told}")


class Clock:
    """Processor seconds within MLflow's client, whatever calls what there."""

    seconds, depth = 0.0, 0

    def within(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, counted."""

        def counted(*given: Any, **named: Any) -> Any:
            self.depth += 1
            began = time.process_time()
            try:
                return call(*given, **named)
            finally:
                self.depth -= 1
                if not self.depth:
                    self.seconds += time.process_time() - began

        return counted


def watch(client: Any, clock: Clock) -> None:
    """Count every call of a client."""
    for name in dir(client):
        if not name.startswith("_") and callable(getattr(client, name)):
            setattr(client, name, clock.within(getattr(client, name)))


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the processor, here and in children, and of the clock."""
    before, began = used(), time.perf_counter()
    work()
    return used() - before, time.perf_counter() - began


def used() -> float:
    """Seconds of the processor so far, here and in children that have ended."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in found)


def job_of(folder: Path) -> TrainingJob:
    """A hundred thousand questions of the tests' toy loop, and as many outcomes, in real tables."""
    store, stored = DeltaTables(folder / "tables"), toy.history(DAYS, PER_DAY)
    versions = {name: store.append(name, rows, writer="bench", upto=1) for name, rows in stored.items()}
    return TrainingJob(
        loop_file=toy.__file__,
        loop="toy",
        version="v1",
        tables=str(folder / "tables"),
        table_versions=versions,
        sequence=max(pc.max(rows["_sequence"]).as_py() for rows in stored.values()),
        since=None,
        cutoff=LAST * toy.DAY,
        as_of=(DAYS + 10) * toy.DAY,
        champion=None,
        min_rows=100,
    )


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory(prefix="homeostat-pipeline-") as made:
        os.environ["HOMEOSTAT_KEYS"] = f"{made}/keys"
        keyring().make(0)
        main(Path(made) / "home")
