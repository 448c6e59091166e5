"""The gateway process: one worker that serves from its own copies of everything, whatever else is down."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from homeostat.adapters.files.spool import FileSpool
from homeostat.adapters.onnx.runtime import load_runtime
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.app.clocks import clock_of
from homeostat.app.consumer_names import ConsumerNames
from homeostat.app.door_parts import Application, DoorParts, GatewaySettings
from homeostat.app.home import Home
from homeostat.app.known import remember_environment
from homeostat.app.prediction_ids import new_prediction_id
from homeostat.app.recorder.client import RecorderClient
from homeostat.app.route_watcher import RouteWatcher
from homeostat.kernel.errors import Conflict
from homeostat.serving.gateway import Gateway, Observer
from homeostat.serving.live import LiveRoutes
from homeostat.serving.plans import ServingPlan

_PATIENCE = 10.0
"""Seconds that requests get to finish when the process is told to stop."""
_LAST_BYTES = 0.1
"""Seconds in which Granian's threads put the last answers on the wire; they cannot be waited for."""

_ALLOCATIONS_BETWEEN_COLLECTIONS = 50_000


def run(settings: GatewaySettings, plans: Sequence[ServingPlan], doors: Callable[[DoorParts], Application]) -> NoReturn:
    """Serve until SIGTERM or SIGINT, finish open requests, then end the process with status 0.

    Raises: Conflict when the port is taken or another gateway writes to this home.
    """
    asyncio.run(_serve(settings, plans, doors))
    logging.shutdown()
    sys.stdout.flush()
    # Granian's threads outlive the server. One that calls into an interpreter which is being taken down
    # aborts the process (Rust cannot unwind there), so the interpreter is not taken down: all is closed.
    os._exit(0)


async def _serve(
    settings: GatewaySettings, plans: Sequence[ServingPlan], doors: Callable[[DoorParts], Application]
) -> None:
    versions = settings.home / "versions"
    live = LiveRoutes(plans, lambda loop, version: load_runtime(versions / loop / version, version))
    watcher = RouteWatcher(settings.home / "routes", live)
    online = SqliteOnlineReader(settings.home / "online.sqlite")
    spool = FileSpool(settings.home / "spool" / "predictions", durability=settings.durability)
    recorder = RecorderClient(settings.recorder_socket)
    environment = remember_environment(Home(settings.home))

    def gateway(observer: Observer) -> Gateway:
        return Gateway(
            plans,
            live,
            online,
            spool,
            observer,
            new_id=new_prediction_id,
            timer=time.perf_counter,
            environment=environment,
        )

    parts = DoorParts(
        settings,
        live,
        recorder,
        clock_of(settings.clock),
        spool.size,
        gateway,
        ConsumerNames(settings.home / "consumers.json"),
    )
    application = doors(parts)
    await watcher.look()  # what is on disk is served from the first request on
    _collect_seldom()
    watching = asyncio.gather(watcher.run(), application.watch())
    try:
        await _listen(settings, application)
        await application.idle(_PATIENCE)
        await asyncio.sleep(_LAST_BYTES)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await spool.close()
        online.close()
        await recorder.close()


async def _listen(settings: GatewaySettings, application: Application) -> None:
    _must_be_free(settings.host, settings.port)
    server = Server(
        application,
        settings.host,
        settings.port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,  # while it waits to see which version comes, Granian keeps a silent client for ever
        http1_settings=HTTP1Settings(header_read_timeout=settings.slowest_sender_seconds * 1_000),
        websockets=False,
        backlog=1024,
        log_level=LogLevels.error,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


def _collect_seldom() -> None:
    """Leave everything that was imported out of garbage collection: one full pass over it stops all replies for
    tens of milliseconds, and requests leave no cycles behind that would need it often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS, 50, 100)


def _must_be_free(host: str, port: int) -> None:
    """Granian shares a port with whoever else shares it; two gateways would then each miss requests."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"Port {port} on {host} cannot be opened: {error.strerror}.",
                mend="Stop what uses it, or choose another with --port.",
                port=port,
            ) from error
