"""The control process: ``python -m homeostat.web.control HOME``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from fastapi import FastAPI
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from homeostat.app.control.process import build
from homeostat.app.ports import check_port_free
from homeostat.app.process import process_main
from homeostat.app.settings import Settings
from homeostat.web.api.application import application


def main(home: Path) -> None:
    """Reconcile, and answer the API and the dashboard, until told to stop."""
    settings = Settings.load(home)
    check_port_free(settings.port + 1)
    process = build(settings)
    process.start()
    try:
        asyncio.run(_serve(application(process.service), settings.port + 1))
    finally:
        process.close()
    # The server's threads do not outlive the interpreter's shutdown unharmed; everything of ours is closed.
    os._exit(0)


async def _serve(app: FastAPI, port: int) -> None:
    server = Server(app, "127.0.0.1", port, interface=Interfaces.ASGI, websockets=False, log_level=LogLevels.error)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


if __name__ == "__main__":
    sys.exit(process_main(main))
