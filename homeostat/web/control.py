"""The control process: ``python -m homeostat.web.control HOME``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.app.processes.process import process_main

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from homeostat.app.control.process import ControlProcess


def main(home: Path) -> None:
    """Reconcile, and answer the API and the dashboard, until told to stop."""
    from homeostat.app.control.process import build
    from homeostat.app.processes.ports import check_port_free
    from homeostat.app.settings import Settings

    settings = Settings.load(home)
    check_port_free(settings.port + 1)
    process = build(settings)
    process.start()
    try:
        asyncio.run(_serve(_api(process), settings.port + 1))
    finally:
        process.close()
    # The server's threads do not outlive the interpreter's shutdown unharmed; everything of ours is closed.
    os._exit(0)


def _api(process: ControlProcess) -> ASGIApp:
    from homeostat.web.api.application import application

    api = application(process.service)
    if process.tracer is None:
        return api
    from homeostat.web.api.traced import TracedApi

    return TracedApi(api, process.tracer)


async def _serve(app: ASGIApp, port: int) -> None:
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server.embed import Server

    server = Server(app, "127.0.0.1", port, interface=Interfaces.ASGI, websockets=False, log_level=LogLevels.error)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


if __name__ == "__main__":
    sys.exit(process_main(main))
