"""Kill -9 at any moment: the same work is finished, nothing happens twice, and serving never notices."""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from homeostat.adapters.delta.tables import DeltaTables
from tests.harness.evidence import decided, registered, served
from tests.harness.running import until
from tests.harness.twins import PHASES, Twin
from tests.harness.world import LOOP, day

pytestmark = [pytest.mark.service, pytest.mark.timeout(900)]


def test_killed_in_every_phase_it_decides_what_an_undisturbed_run_decides(calm: Twin, shaken: Twin) -> None:
    assert set(shaken.killed) == PHASES, shaken.killed
    found = decided(shaken.running)
    whole = "bootstrap gate promote rotate_key retrain gate canary advance advance advance promote"
    assert [one["kind"] for one in found] == whole.split()
    for one, other in zip(found, decided(calm.running), strict=True):
        assert one == other
    assert found[-1]["evidence"]["generation"] == 6


def test_nothing_is_registered_or_decided_twice(shaken: Twin) -> None:
    running = shaken.running
    decisions = [(one["kind"], one["title"]) for one in running.decisions()]
    assert len(decisions) == len(set(decisions))
    assert [one["state"] for one in running.command("versions")].count("champion") == 1
    for found in registered(running).values():
        assert found >= Counter(["visits/v1", "visits/v2"])
        assert set(found.values()) == {1}
        assert "None" not in found
    assert running.command("ledger", "verify")["intact"]


def test_both_made_the_same_models_and_served_every_row_alike(calm: Twin, shaken: Twin) -> None:
    for version in ("v1", "v2"):
        one, other = (twin.running.home / "versions" / LOOP / version / "model.onnx" for twin in (calm, shaken))
        assert one.read_bytes() == other.read_bytes()
    assert served(calm.running) == served(shaken.running)
    for twin in (calm, shaken):
        assert twin.running.overview()["totals"]["failed_requests"] == twin.running.failed == 0


def test_serving_goes_on_while_control_is_down_and_cannot_start(shaken: Twin) -> None:
    running = shaken.running
    before = running.decisions()
    for pid in running.pids("control"):
        os.kill(pid, signal.SIGSTOP)
    shaken.go(2)
    port = int(running.control.base_url.port or 0)
    with _taken(port, lambda: running.kill("control")):
        shaken.go(2)
        until(lambda: f"Port {port} on 127.0.0.1 is in use." in (running.home / "process-logs/control.log").read_text())
        shaken.go(2)
        with pytest.raises(httpx.TransportError):
            running.control.get("/api/loops", timeout=0.5)
    running.barrier(day(shaken.hour // 24))
    assert running.failed == 0
    assert running.decisions() == before
    log = DeltaTables(running.home / "log")
    asked = {f'["{hour}-{place}"]' for hour in range(shaken.hour - 6, shaken.hour) for place in range(12)}
    until(lambda: asked <= set(log.read(LOOP, columns=["key"])["key"].to_pylist()))


@contextmanager
def _taken(port: int, before: Callable[[], object]) -> Iterator[None]:
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
