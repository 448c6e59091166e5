"""The process of one candidate: ``python -m homeostat.app.arms.host SOCKET FOLDER LOOP VERSION MEMORY``."""

from __future__ import annotations

import resource
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np

from homeostat.app.arms.messages import Ask, Told, message, receive
from homeostat.app.runtimes import load_runtime
from homeostat.app.supervisor import die_with_parent
from homeostat.kernel.errors import HomeostatError
from homeostat.serving.live import warm
from homeostat.serving.runtimes import Runtime, probabilities


def main(arguments: list[str]) -> int:
    """Load, warm, say so, and score what comes until the other end goes."""
    die_with_parent()
    number, folder, loop, version, memory = arguments
    if int(memory):
        resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    with socket.socket(fileno=int(number)) as connection:
        try:
            runtime = load_runtime(Path(folder), version)
            warm(runtime, loop)
        except HomeostatError as error:
            connection.sendall(message(Told(0, problem=f"{error.problem} {error.mend}")))
            return 1
        connection.sendall(message(Told(0)))
        with suppress(EOFError, ConnectionError):
            _answer(connection, runtime)
    return 0


def _answer(connection: socket.socket, runtime: Runtime) -> None:
    decoder = msgspec.msgpack.Decoder(Ask)
    while True:
        ask: Ask = receive(connection, decoder)
        connection.sendall(message(_timed(runtime, ask) if ask.traceparent else _scored(runtime, ask)))


def _timed(runtime: Runtime, ask: Ask) -> Told:
    """The gateway makes a span of it: a process that may be killed at any moment would lose its own."""
    began = time.time_ns()
    told = _scored(runtime, ask)
    told.began, told.ended = began, time.time_ns()
    return told


def _scored(runtime: Runtime, ask: Ask) -> Told:
    names = [name for name, _ in runtime.inputs]
    try:
        with np.errstate(all="ignore"):
            answer = runtime.predict(dict(zip(names, ask.columns, strict=True)))
        return Told(ask.number, probabilities(answer, len(ask.columns[0])))
    except Exception as error:  # a candidate may fail in any way; its users are answered by the champion
        return Told(ask.number, problem=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
