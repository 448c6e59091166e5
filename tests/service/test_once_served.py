"""Idempotency keys over real HTTP and gRPC: two gateways, threads, restarts, and kill -9 at any moment."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.grpc as triton

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.files.routes import write_route
from homeostat.app.home import Home
from homeostat.app.recorder.finding import FindCall, Finding
from homeostat.app.recorder.frames import Header
from homeostat.app.recorder.predictions import LoggedLoop, Predictions
from homeostat.app.recorder.server import SocketServer
from homeostat.features.logged import Logged
from homeostat.serving.routing import Route
from tests.harness.ports import free_ports
from tests.harness.running import until
from tests.service.test_gateway import Gateway, furnished, gateway
from tests.unit.serving.late import FEATURES, question
from tests.unit.serving.rig import NOW_HEADER, PREDICT

pytestmark = pytest.mark.service

LOOP = LoggedLoop("late", Logged.of(FEATURES))


class Recorder:
    """The recorder's part in it: finds what is in the spools and in the log, and drains them when asked."""

    def __init__(self, home: Path) -> None:
        self.log = DeltaTables(home / "log")
        self.predictions = Predictions(Home(home).spool / "predictions", self.log, [LOOP])

    def stored(self) -> dict[str, dict[str, Any]]:
        """Every stored prediction by id, after a drain; each id once."""
        self.predictions.drain()
        rows = self.log.read("late").to_pylist()
        found = {row["prediction_id"]: row for row in rows}
        assert len(found) == len(rows)
        return found

    @contextmanager
    def serving(self, socket: Path) -> Iterator[None]:
        """Answer gateways from a thread."""
        loop, ready = asyncio.new_event_loop(), threading.Event()
        stop = asyncio.Event()
        thread = threading.Thread(target=loop.run_until_complete, args=(self._serve(socket, ready, stop),))
        thread.start()
        assert ready.wait(20)
        try:
            yield
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()

    async def _serve(self, socket: Path, ready: threading.Event, stop: asyncio.Event) -> None:
        async def nothing(header: Header, body: bytes) -> dict[str, Any]:
            raise AssertionError(header)

        call = FindCall(Finding(self.log, self.predictions), otherwise=nothing)
        async with SocketServer(socket, call.answer):
            ready.set()
            await stop.wait()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    found = furnished(tmp_path)
    write_route(found / "routes", Route("late", 1, "v1"))
    return found


def ask(port: int, key: str, number: int) -> httpx.Response:
    """One request on a connection of its own, so that any replica may answer it."""
    headers = {**NOW_HEADER, "Idempotency-Key": key, "Connection": "close"}
    rows = {"rows": [question(number), question(number + 1)]}
    return httpx.post(f"http://127.0.0.1:{port}{PREDICT}", json=rows, headers=headers, trust_env=False, timeout=20)


def asked(port: int, key: str, number: int) -> Any:
    """Ask until it is answered, as a client with retries does."""
    for _ in itertools.count():
        try:
            reply = ask(port, key, number)
        except httpx.TransportError:
            continue
        if reply.status_code == 200:
            return reply.json()
        assert reply.status_code in (409, 503), reply.text
        threading.Event().wait(0.01)
    return None


def infer(port: int, key: str, number: int) -> Any:
    """The same question over gRPC, with the public client on a connection of its own, until it is answered."""
    columns = {"hour": ("INT64", np.int64), "distance": ("FP64", np.float64)}
    tensors = []
    rows = [question(number), question(number + 1)]
    for name in rows[0]:
        datatype, kind = columns.get(name, ("BYTES", np.object_))
        tensors.append(triton.InferInput(name, [2], datatype))
        tensors[-1].set_data_from_numpy(np.array([row[name] for row in rows], dtype=kind))
    for _ in itertools.count():
        alone = [("grpc.use_local_subchannel_pool", 1)]
        with triton.InferenceServerClient(f"127.0.0.1:{port}", channel_args=alone) as client:
            try:
                found = client.infer("late", tensors, headers={**NOW_HEADER, "idempotency-key": key}, client_timeout=20)
            except triton.InferenceServerException as error:
                if error.status() not in ("StatusCode.ABORTED", "StatusCode.UNAVAILABLE"):
                    raise
                threading.Event().wait(0.01)
                continue
        said = {name: found.as_numpy(name).tolist() for name in ("prediction_id", "probability", "version")}
        ids, probabilities, versions = said["prediction_id"], said["probability"], said["version"]
        each = zip(ids, probabilities, versions, strict=True)
        return {"predictions": [_reply(*one) for one in each]}
    return None


def _reply(name: bytes, probability: float, version: bytes) -> dict[str, Any]:
    return {"prediction_id": name.decode(), "probability": probability, "version": version.decode()}


def serving(one: Gateway) -> bool:
    return one.alive() and one.ready()["champion"] == "v1"


def test_threads_that_send_one_request_to_two_gateways_get_one_answer_also_after_a_restart(home: Path) -> None:
    port = free_ports()
    pair = gateway(home, port, replica="r1", shared=True), gateway(home, port, replica="r2", shared=True)
    with pair[0], pair[1], ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: asked(port, f"k{n % 4}", n % 4), range(40)))
    assert all(one == told[place % 4] for place, one in enumerate(told))
    with gateway(home, port, replica="r1", shared=True) as again:
        until(lambda: serving(again))
        assert ask(port, "k0", 0).json() == told[0]
        assert ask(port, "k0", 1).status_code == 422
    stored = Recorder(home).stored()
    assert set(stored) == {row["prediction_id"] for one in told for row in one["predictions"]}
    assert len(stored) == 8


@pytest.mark.parametrize("wire", ["http", "grpc"])
def test_kill_9_at_any_moment_leaves_each_request_with_one_answer_which_is_in_the_log_once(
    home: Path, wire: str
) -> None:
    port, grpc_port, chance, told = free_ports(), free_ports(), random.Random(3), {}
    settings: dict[str, Any] = {"shared": True, **({"grpc_port": grpc_port} if wire == "grpc" else {})}
    recorder = Recorder(home)
    numbers = iter(range(10_000))
    stop = threading.Event()

    def answer(number: int) -> Any:
        key = f"k{number}"
        return asked(port, key, number) if wire == "http" else infer(grpc_port, key, number)

    def client() -> None:
        while not stop.is_set():
            number = next(numbers)
            told[number] = answer(number)

    with recorder.serving(home / "recorder"), gateway(home, port, replica="r2", **settings):
        threads = [threading.Thread(target=client) for _ in range(3)]
        for kill in range(3):
            with gateway(home, port, replica="r1", **settings) as killed:
                if not kill:
                    for thread in threads:
                        thread.start()
                seen = len(told)
                until(lambda seen=seen: len(told) > seen + 20 + chance.randrange(20))  # type: ignore[misc]
                killed.process.kill()
        stop.set()
        for thread in threads:
            thread.join()
        again = {number: answer(number) for number in sorted(told)[::7]}
    assert all(told[number] == one for number, one in again.items())
    stored = recorder.stored()
    assert len(stored) == 2 * len(told)
    for row in (row for one in told.values() for row in one["predictions"]):
        kept = stored[row["prediction_id"]]
        assert (kept["probability"], kept["version"]) == (row["probability"], row["version"])
