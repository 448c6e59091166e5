"""The limit: the least server that answers with the same model: no contract, no route, no metrics, no record.

Run as ``python -m benchmarks.serving.limit VERSION_FOLDER PORT LOOP``, where LOOP is asyncio or uvloop; takes the
features themselves as rows.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
import uvloop
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

_JSON = [("content-type", "application/json")]


def application(model: Path) -> Any:
    """An RSGI application of one door."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    outputs = [entry.name for entry in session.get_outputs()]
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.encode

    async def answer(scope: Any, protocol: Any) -> None:
        rows = decode(await protocol())["rows"] if scope.method == "POST" else []
        feed = {name: np.array([[row[name]] for row in rows], dtype=np.float32) for name in names}
        scores = session.run(outputs, feed)[0][:, -1].tolist() if rows else []
        protocol.response_bytes(200, _JSON, encode({"predictions": [{"probability": score} for score in scores]}))

    return answer


async def serve(folder: Path, port: int) -> None:
    """Serve until SIGTERM."""
    server = Server(
        application(folder / "model.onnx"),
        "127.0.0.1",
        port,
        interface=Interfaces.RSGI,
        websockets=False,
        log_level=LogLevels.error,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


if __name__ == "__main__":
    run = uvloop.run if sys.argv[3] == "uvloop" else asyncio.run
    run(serve(Path(sys.argv[1]), int(sys.argv[2])))
