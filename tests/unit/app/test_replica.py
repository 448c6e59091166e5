"""A gateway says that it serves only when it can be asked."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from homeostat.adapters.files.replicas import read_replicas
from homeostat.app.gateway.replica import Replica
from homeostat.app.processes.ports import listens
from homeostat.serving.live import LiveRoutes


def test_a_port_counts_as_open_once_this_process_takes_connections_on_it() -> None:
    with socket.socket() as own, socket.socket() as unrelated:
        own.bind(("127.0.0.1", 0))
        unrelated.bind(("127.0.0.1", 0))
        unrelated.listen()
        port = own.getsockname()[1]
        assert not listens(port)
        own.listen()
        assert listens(port)
    assert not listens(port)


def test_it_says_nothing_before_it_is_open(tmp_path: Path) -> None:
    asyncio.run(_open_late(tmp_path))


async def _open_late(tmp_path: Path) -> None:
    opened: list[bool] = []
    asked = asyncio.Event()

    def is_open() -> bool:
        asked.set()
        return bool(opened)

    replica = Replica("r1", tmp_path, tmp_path, LiveRoutes([], _never, _never), is_open, lambda loop: [])
    running = asyncio.create_task(replica.run())
    await asked.wait()
    replica.say()
    assert read_replicas(tmp_path) == []
    opened.append(True)
    while not read_replicas(tmp_path):
        await asyncio.sleep(0)
    assert [one.id for one in read_replicas(tmp_path)] == ["r1"]
    running.cancel()
    await asyncio.wait([running])
    assert read_replicas(tmp_path) == []


def _never(loop: str, version: str) -> object:
    raise AssertionError(f"{loop} {version} is not asked for here.")
