"""Gateways and a recorder on one home, a load that remembers what was acknowledged, and the log beside it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.files.routes import write_route
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.serving.routing import Route
from tests.harness.ports import free_ports
from tests.harness.running import until
from tests.service.recorder_rig import Recorder, running
from tests.service.test_gateway import Gateway, gateway
from tests.unit.serving.late import FEATURES, question
from tests.unit.serving.parts import model, save_version
from tests.unit.serving.rig import NOW_HEADER, PREDICT


class Installation:
    """What serves and what records; ``replicas`` by name."""

    def __init__(self, home: Path, recorder: Recorder, replicas: tuple[str, ...], settings: dict[str, Any]) -> None:
        self.home, self.recorder, self.port = home, recorder, free_ports()
        self._settings = {**settings, "recorder_socket": recorder.socket, "shared": len(replicas) > 1}
        self._stack = ExitStack()
        self.replicas: dict[str, Gateway] = {}
        for name in replicas:
            self.start(name)

    def start(self, name: str) -> Gateway:
        """Start a replica, and wait until it serves."""
        one = self._stack.enter_context(gateway(self.home, self.port, replica=name, **self._settings))
        self.replicas[name] = one
        until(lambda: name in one.client.get("/metrics").text)
        return one

    def kill(self, name: str) -> None:
        """kill -9."""
        one = self.replicas.pop(name)
        one.process.kill()
        one.process.communicate()

    def ask(self, number: int, rows: int = 1) -> httpx.Response:
        """One request of its own connection, so that any replica may be met."""
        with httpx.Client(headers={**NOW_HEADER, "connection": "close"}, trust_env=False, timeout=20) as client:
            asked = [question(number + row) for row in range(rows)]
            return client.post(f"http://127.0.0.1:{self.port}{PREDICT}", json={"rows": asked})

    def logged(self) -> Counter[str]:
        """How often each prediction is in the log, after everything was moved there."""
        self.recorder.client.flush()
        found: list[str] = DeltaTables(self.home / "log").read("late")["prediction_id"].to_pylist()
        return Counter(found)

    def close(self) -> None:
        """Stop every replica."""
        self._stack.close()


@contextmanager
def installed(home: Path, *replicas: str, **settings: Any) -> Iterator[Installation]:
    """A home with one version, served by gateways of these names and recorded."""
    store = SqliteOnlineStore(home / "online.sqlite")
    store.prepare([FEATURES])
    store.close()
    save_version(home / "versions", "v1", model(-1.0))
    write_route(home / "routes", Route("late", 1, "v1"))
    with running(home, "tests.service.late_recorder") as recorder:
        made = Installation(home, recorder, replicas, settings)
        try:
            yield made
        finally:
            made.close()


class Load:
    """Threads that ask again and again; ``acknowledged`` are the ids in replies, ``statuses`` what else came."""

    def __init__(self, installation: Installation, threads: int = 3) -> None:
        self.acknowledged: list[str] = []
        self.statuses: Counter[object] = Counter()
        self._installation, self._stop = installation, threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(one,)) for one in range(threads)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, thread: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 3
            try:
                reply = self._installation.ask(number, rows=1 + number % 3)
            except httpx.TransportError as error:  # the process that was asked is gone
                self.statuses[type(error).__name__] += 1
                continue
            self.statuses[reply.status_code] += 1
            if reply.status_code == 200:
                self.acknowledged += [one["prediction_id"] for one in reply.json()["predictions"]]
