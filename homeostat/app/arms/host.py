"""The process of one candidate: ``python -m homeostat.app.arms.host SOCKET FOLDER LOOP VERSION MEMORY BATCHING``."""

from __future__ import annotations

import resource
import select
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np

from homeostat.app.arms.messages import Ask, Told, message, receive
from homeostat.app.processes.supervisor import die_with_parent
from homeostat.app.versions.runtimes import load_runtime
from homeostat.kernel.errors import HomeostatError, Untrusted
from homeostat.serving.batching import Batching, decide, together
from homeostat.serving.live import warm
from homeostat.serving.runtimes import Runtime


def main(arguments: list[str]) -> int:
    """Load, warm, say so, and score what comes until the other end goes."""
    die_with_parent()
    number, folder, loop, version, memory, batching = arguments
    if int(memory):
        resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    with socket.socket(fileno=int(number)) as connection:
        try:
            runtime = load_runtime(Path(folder), loop, version)
            warm(runtime, loop)
            asked: Batching = "off" if batching == "off" else "auto" if batching == "auto" else int(batching)
            most = decide(asked, runtime, time.perf_counter).rows
        except HomeostatError as error:
            untrusted = isinstance(error, Untrusted)
            connection.sendall(message(Told(0, problem=f"{error.problem} {error.mend}", untrusted=untrusted)))
            return 1
        connection.sendall(message(Told(0)))
        with suppress(EOFError, ConnectionError):
            _answer(connection, runtime, most)
    return 0


def _answer(connection: socket.socket, runtime: Runtime, most: int) -> None:
    decoder = msgspec.msgpack.Decoder(Ask)
    asks: list[Ask] = [receive(connection, decoder)]
    while True:
        left = _gather(connection, decoder, asks, most)
        for told in _timed(runtime, asks):
            connection.sendall(message(told))
        asks = [left or receive(connection, decoder)]


def _gather(connection: socket.socket, decoder: msgspec.msgpack.Decoder[Ask], asks: list[Ask], most: int) -> Ask | None:
    """Add requests that have come while they have at most ``most`` rows together; the first that does not fit."""
    rows = len(asks[0].columns[0])
    while rows < most and select.select([connection], [], [], 0)[0]:
        ask: Ask = receive(connection, decoder)
        rows += len(ask.columns[0])
        if rows > most:
            return ask
        asks.append(ask)
    return None


def _timed(runtime: Runtime, asks: list[Ask]) -> list[Told]:
    """The gateway makes spans of it: a process that may be killed at any moment would lose its own."""
    began = time.time_ns()
    found = _scored(runtime, asks)
    for ask, told in zip(asks, found, strict=True):
        if ask.traceparent:
            told.began, told.ended = began, time.time_ns()
    return found


def _scored(runtime: Runtime, asks: list[Ask]) -> list[Told]:
    names = [name for name, _ in runtime.inputs]
    with np.errstate(all="ignore"):
        found = together(runtime, [dict(zip(names, ask.columns, strict=True)) for ask in asks])
    return [
        Told(ask.number, problem=f"{type(one).__name__}: {one}")
        if isinstance(one, Exception)  # a candidate may fail in any way; its users are answered by the champion
        else Told(ask.number, one)
        for ask, one in zip(asks, found, strict=True)
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
