"""The limit: the least server that can answer with the same model: no contract, no features, no record.

Run as ``python -m benchmarks.bare VERSION_FOLDER VERSION PORT``; takes the features themselves as rows.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from homeostat.app.versions.runtimes import load_runtime
from homeostat.serving.runtimes import Runtime


def application(runtime: Runtime) -> Any:
    """An ASGI application of one door."""
    names = [name for name, _ in runtime.inputs]
    decoder = msgspec.json.Decoder()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        rows = decoder.decode(b"".join(parts))["rows"] if scope["method"] == "POST" else []
        scores = runtime.predict({name: [row[name] for row in rows] for name in names}).tolist() if rows else []
        body = msgspec.json.encode({"predictions": [{"probability": score} for score in scores]})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


async def serve(folder: Path, version: str, port: int) -> None:
    """Serve until SIGTERM."""
    server = Server(
        application(load_runtime(folder, folder.parent.name, version)),
        "127.0.0.1",
        port,
        interface=Interfaces.ASGINL,
        websockets=False,
        log_level=LogLevels.error,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
