"""The gateway process: one worker that serves from its own copies of everything, whatever else is down."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from homeostat.adapters.files.room import SpoolLimits
from homeostat.adapters.files.spool import FileSpool
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.app.arms.process import ArmLimits, ArmProcess
from homeostat.app.arms.shadow import ShadowConfig
from homeostat.app.arms.shadows import Shadows
from homeostat.app.clocks import clock_of
from homeostat.app.gateway.answers import Answers
from homeostat.app.gateway.consumer_names import ConsumerNames
from homeostat.app.gateway.door_parts import Application, DoorParts, GatewaySettings
from homeostat.app.gateway.log_key import log_key
from homeostat.app.gateway.prediction_ids import new_prediction_id
from homeostat.app.gateway.replica import Replica
from homeostat.app.gateway.route_watcher import RouteWatcher
from homeostat.app.home import Home
from homeostat.app.loops.known import remember_environment
from homeostat.app.processes.ports import check_port_free, listens
from homeostat.app.recorder.client import RecorderClient
from homeostat.app.tracing.arms import TracedArm
from homeostat.app.tracing.calls import TracedRecorderClient
from homeostat.app.tracing.opening import open_tracer
from homeostat.app.tracing.tracer import current_trace_id, stage_timer
from homeostat.app.versions.runtimes import load_runtime
from homeostat.serving.gateway import Gateway, Observer
from homeostat.serving.live import LiveRoutes
from homeostat.serving.plans import ServingPlan
from homeostat.serving.runtimes import LoadRuntime, StartCandidate

_PATIENCE = 10.0
"""Seconds that requests get to finish when the process is told to stop."""
_LAST_BYTES = 0.1
"""Seconds in which Granian's threads put the last answers on the wire; they cannot be waited for."""
_LOOK_SECONDS = 0.5
"""How often the gateway looks at what was drained from its spool, and at what the disk has left."""

_LOG = logging.getLogger("homeostat.serving")
_ALLOCATIONS_BETWEEN_COLLECTIONS = 50_000


def run(settings: GatewaySettings, plans: Sequence[ServingPlan], doors: Callable[[DoorParts], Application]) -> NoReturn:
    """Serve until SIGTERM or SIGINT, finish open requests, then end the process with status 0.

    Raises: Conflict when the port is taken and not shared with other replicas, or another gateway writes to this home
    under the same name.
    """
    uvloop.run(_serve(settings, plans, doors))
    logging.shutdown()
    sys.stdout.flush()
    # Granian's threads outlive the server. One that calls into an interpreter which is being taken down
    # aborts the process (Rust cannot unwind there), so the interpreter is not taken down: all is closed.
    os._exit(0)


async def _serve(
    settings: GatewaySettings, plans: Sequence[ServingPlan], doors: Callable[[DoorParts], Application]
) -> None:
    home = Home(settings.home)
    live = LiveRoutes(plans, _loading(home), _starting(home, settings, plans), time.perf_counter)
    sockets = Path(settings.recorder_socket).parent
    limits = SpoolLimits(settings.spool_bytes, settings.disk_reserve_bytes)
    folder = home.spool / "predictions" / settings.replica
    spool = FileSpool(folder, durability=settings.durability, limits=limits)
    shadows = Shadows(live, _shadowing(home, settings, plans), home.process_logs / "shadows.log")
    replica = Replica(settings.replica, home.replicas, sockets, live, lambda: listens(settings.port), shadows.refused)
    online = SqliteOnlineReader(home.root / "online.sqlite")
    tracer = open_tracer(settings.traces, "gateway", settings.replica)
    recorder = (TracedRecorderClient if tracer else RecorderClient)(settings.recorder_socket)
    environment = remember_environment(home)
    key = log_key(home.log_key) if any(plan.log.hashed for plan in plans) else b""

    def changed() -> None:
        shadows.follow()
        replica.say()

    def gateway(observer: Observer) -> Gateway:
        return Gateway(
            plans,
            live,
            online,
            spool,
            observer,
            new_id=new_prediction_id,
            timer=stage_timer if tracer else time.perf_counter,
            environment=environment,
            log_key=key,
            trace_id=current_trace_id if tracer else None,
        )

    watcher = RouteWatcher(home.routes, live, changed=changed)
    consumers = ConsumerNames(home.consumers)
    clock = clock_of(settings.clock)
    answers = Answers(home.answers, durable=settings.durability != "system")
    application = doors(
        DoorParts(settings, live, recorder, clock, spool.state, gateway, consumers, replica, shadows, answers, tracer)
    )
    await watcher.look()  # what is on disk is served from the first request on
    _collect_hardly_ever()
    beside = asyncio.gather(watcher.run(), application.watch(), replica.run(), _look_at(spool))
    try:
        await application.open()
        await _listen(settings, application)
        await application.idle(_PATIENCE)
        await asyncio.sleep(_LAST_BYTES)
    finally:
        beside.cancel()
        with suppress(asyncio.CancelledError):
            await beside
        live.close()
        await shadows.close()
        await spool.close()
        answers.close()
        online.close()
        await recorder.close()
        if tracer:
            await asyncio.to_thread(tracer.close)


async def _look_at(spool: FileSpool) -> None:
    """See again and again what was drained and what the disk has left, until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            await spool.look()
        except OSError as error:
            _LOG.warning("the spool cannot be looked at: %s", error)


def _loading(home: Home) -> LoadRuntime:
    return lambda loop, version: load_runtime(home.versions / loop / version, loop, version)


def _starting(home: Home, settings: GatewaySettings, plans: Sequence[ServingPlan]) -> StartCandidate:
    """Candidates in their own processes."""
    batching = {plan.name: plan.batching for plan in plans}
    arm = TracedArm if settings.traces else ArmProcess

    def start(loop: str, version: str) -> ArmProcess:
        home.process_logs.mkdir(exist_ok=True)
        log = home.process_logs / "candidates.log"
        limits = ArmLimits(settings.arm_seconds, settings.arm_memory_bytes, batching[loop])
        return arm(home.versions / loop / version, loop, version, limits, log)

    return start


def _shadowing(
    home: Home, settings: GatewaySettings, plans: Sequence[ServingPlan]
) -> Callable[[str, str], ShadowConfig]:
    """What the shadow of a loop is told."""
    known = {plan.name: plan for plan in plans}

    def config(loop: str, version: str) -> ShadowConfig:
        plan = known[loop]
        return ShadowConfig(
            loop=loop,
            version=version,
            folder=str(home.versions / loop / version),
            routes=str(home.routes),
            read=str(home.spool / "predictions" / settings.replica),
            write=str(home.spool / "predictions" / f"{settings.replica}-{loop}-{version}"),
            names=plan.features.names,
            definitions=plan.features.hash,
            threshold=plan.threshold,
            unit=plan.unit,
            memory=settings.arm_memory_bytes,
            spool_bytes=settings.spool_bytes,
            disk_reserve_bytes=settings.disk_reserve_bytes,
        )

    return config


async def _listen(settings: GatewaySettings, application: Application) -> None:
    if not settings.shared:
        check_port_free(settings.port)
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


def _collect_hardly_ever() -> None:
    """Leave everything that was imported out of garbage collection: one full pass over it stops all replies for
    tens of milliseconds, and requests leave no cycles behind that would need it often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS, 50, 100)
