"""Kill -9 at any moment: the same work is finished, nothing happens twice, and serving never notices."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.kernel.clock import format_instant
from tests.harness.running import Running, until
from tests.harness.twins import PROMOTED, Twin
from tests.harness.world import BEGINS, HOUR, LOOP

pytestmark = [pytest.mark.service, pytest.mark.timeout(900)]

PHASES = {"v1/train", "v1/register", "v2/train", "v2/register", *(f"route/{n}" for n in range(1, 7))}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def ledgers(calm: Twin, shaken: Twin) -> tuple[list[Json], list[Json]]:
    """The decisions of both up to the promotion."""
    return _decided(calm.running), _decided(shaken.running)


def _decided(running: Running) -> list[Json]:
    last = format_instant(BEGINS + PROMOTED * 24 * HOUR)
    return [one for one in running.decisions() if one["at"] <= last]


def test_killed_in_every_phase_it_decides_what_an_undisturbed_run_decides(
    shaken: Twin, ledgers: tuple[list[Json], list[Json]]
) -> None:
    assert set(shaken.killed) >= PHASES, shaken.killed
    calm_ones, shaken_ones = (
        [(d["at"], d["kind"], d["verdict"], d["version"], d["reasons"]) for d in each] for each in ledgers
    )
    assert shaken_ones == calm_ones
    assert [one[1] for one in calm_ones] == [
        "bootstrap", "gate", "promote", "retrain", "gate", "canary", "advance", "advance", "advance", "promote",
    ]  # fmt: skip


def test_two_runs_of_one_world_decide_the_same_on_the_same_evidence(
    calm: Twin, shaken: Twin, ledgers: tuple[list[Json], list[Json]]
) -> None:
    for one, other in zip(*ledgers, strict=True):
        assert _untimed(one) == _untimed(other)
    for version in ("v1", "v2"):
        one, other = (twin.running.home / "versions" / LOOP / version / "model.onnx" for twin in (calm, shaken))
        assert one.read_bytes() == other.read_bytes()


def _untimed(decision: Json) -> Json:
    """Without what follows from table versions: how often the recorder stored depends on the machine's speed."""
    evidence = {name: value for name, value in decision["evidence"].items() if name != "manifest"}
    return {**decision, "evidence": evidence, "hash": None}


def test_nothing_is_registered_or_promoted_twice(shaken: Twin) -> None:
    running = shaken.running
    names = Counter(one["kind"] + str(one["version"]) for one in running.decisions())
    assert max(names.values()) == 1 or names["advancev2"] == 3
    standing = [one["state"] for one in running.command("versions")]
    assert standing.count("champion") == 1
    assert _registered(running) == {"runs": ["visits/v1", "visits/v2"], "versions": ["visits/v1", "visits/v2"]}
    assert running.overview()["route"]["generation"] == 6
    assert running.command("ledger", "verify")["intact"]


def _registered(running: Running) -> dict[str, list[str]]:
    """Homeostat's ids of all runs and model versions in MLflow; each must be there once, and nothing else."""
    with closing(sqlite3.connect(running.home / "mlflow.sqlite")) as store:
        runs = store.execute(
            "SELECT value FROM runs LEFT JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'homeostat.id'"
        ).fetchall()
        versions = store.execute(
            "SELECT value FROM model_versions m LEFT JOIN model_version_tags t"
            " ON t.name = m.name AND t.version = m.version AND t.key = 'homeostat.id'"
        ).fetchall()
    return {"runs": sorted(str(row[0]) for row in runs), "versions": sorted(str(row[0]) for row in versions)}


def test_both_served_every_row_alike(calm: Twin, shaken: Twin) -> None:
    assert calm.running.failed == shaken.running.failed == 0
    for twin in (calm, shaken):
        assert twin.running.overview()["totals"]["failed_requests"] == 0
    assert _served(calm.running) == _served(shaken.running)


def _served(running: Running) -> list[tuple[Any, ...]]:
    columns = ["key", "asked_at", "version", "arm", "generation", "probability", "fell_back"]
    log = DeltaTables(running.home / "log").read(LOOP, columns=columns).to_pylist()
    upto = BEGINS + PROMOTED * 24 * HOUR
    return sorted(tuple(row.values()) for row in log if row["asked_at"].timestamp() * 1e6 < upto)


def test_serving_goes_on_while_control_is_down_and_cannot_start(shaken: Twin) -> None:
    running = shaken.running
    before = running.decisions()
    for pid in running.pids("control"):
        os.kill(pid, signal.SIGSTOP)
    shaken.go(2)
    with _taken(int(running.control.base_url.port or 0), lambda: running.kill("control")):
        shaken.go(2)
        until(lambda: "in use" in (running.home / "process-logs" / "control.log").read_text().lower())
        shaken.go(2)
        with pytest.raises(httpx.TransportError):
            running.control.get("/api/loops", timeout=0.5)
    running.barrier(BEGINS + shaken.hour * HOUR)
    assert running.failed == 0
    assert running.decisions() == before
    log = DeltaTables(running.home / "log").read(LOOP, columns=["key"])
    asked = {f'["{hour}-{place}"]' for hour in range(shaken.hour - 6, shaken.hour) for place in range(12)}
    assert asked <= set(log["key"].to_pylist())


@contextmanager
def _taken(port: int, before: Any) -> Iterator[None]:
    """Hold a port so that nothing else can have it."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        def bound() -> bool:
            before()
            try:
                holder.bind(("127.0.0.1", port))
            except OSError:
                return False
            return True

        until(bound)
        holder.listen(1)
        yield
