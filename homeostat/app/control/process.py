"""Builds the control process from its settings, and keeps its clockwork going."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from homeostat.adapters.dbos.workflows import DbosEngine
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.control.alerting import Alerting
from homeostat.app.control.doors import DoorsWatch
from homeostat.app.control.facts import Facts
from homeostat.app.control.keys_on_record import KeysOnRecord
from homeostat.app.control.observer import DeltaObserver
from homeostat.app.control.outlooks import Outlooks
from homeostat.app.control.publisher import Publisher
from homeostat.app.control.rehearsing import Rehearser
from homeostat.app.control.service import ControlService
from homeostat.app.control.work import Retrainer
from homeostat.app.diagnosis.diagnosing import Diagnoser
from homeostat.app.gateway.fleet import Fleet
from homeostat.app.lineage.emitting import Emitter, sender_of
from homeostat.app.loops.known import known_features
from homeostat.app.loops.loader import load_started
from homeostat.app.loops.written import project_hash
from homeostat.app.prediction_log.skew import SkewCheck
from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.settings import Settings
from homeostat.app.shown.showing import Showing
from homeostat.app.signing.trust import keyring
from homeostat.app.tracing.calls import TracedBlockingRecorderClient
from homeostat.app.tracing.opening import open_tracer
from homeostat.app.tracing.tracer import Tracer
from homeostat.app.tracing.workflows import traced_body
from homeostat.app.training.runner import TrainingRunner
from homeostat.app.versioned_state.keeper import StateKeeper
from homeostat.app.versioned_state.restorer import Restorer
from homeostat.app.versions.registering import open_registry
from homeostat.app.versions.retention import Retention
from homeostat.control import restoring, retraining
from homeostat.control.keeping import STATELESS
from homeostat.control.loop import Loop
from homeostat.control.reconcile import Reconciler
from homeostat.control.restoring import restoring_body, workflow_name
from homeostat.control.retraining import retraining_body
from homeostat.kernel.canonical import digest
from homeostat.kernel.errors import HomeostatError
from homeostat.registry.manifest import hash_file
from homeostat.registry.models import Registry
from homeostat.serving.waiting import Waiting
from homeostat.training.pipeline import WorkflowEngine

_LOG = logging.getLogger("homeostat.control")
_STATE_SECONDS = 0.25


@dataclass(slots=True)
class ControlProcess:
    """Everything of the control process but its HTTP server.

    ``start`` recovers what was under way and, on the system clock, looks at every loop every few seconds;
    a part that is away makes one look fail, not the process. ``gone`` is set once no workflow runs here any more.
    """

    settings: Settings
    service: ControlService
    engine: WorkflowEngine
    reconcilers: Mapping[str, Reconciler]
    runner: TrainingRunner
    publisher: Publisher
    tracer: Tracer | None = None
    emitter: Emitter | None = None
    gone: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(init=False, default_factory=threading.Event)
    _threads: list[threading.Thread] = field(init=False, default_factory=list)

    def start(self) -> None:
        """Take up pending workflows, publish the routes, begin to look."""
        self.engine.launch()
        watch = self.service.doors.run
        self._threads = [
            threading.Thread(target=self._run, name="reconcile"),
            threading.Thread(target=watch, args=(self._stop,), name="doors"),
            threading.Thread(target=self.publisher.run, args=(self._stop,), name="registry"),
        ]
        if any(reconciler.loop.state is not None for reconciler in self.reconcilers.values()):
            self._threads.append(threading.Thread(target=self._carry_on, name="state"))
        if self.emitter is not None:
            self._threads.append(threading.Thread(target=self.emitter.run, args=(self._stop,), name="lineage"))
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop looking; pending workflows are taken up by the next process."""
        self._stop.set()
        if self.service.rehearser is not None:
            self.service.rehearser.stop.set()
        for thread in self._threads:
            thread.join()
        self.engine.close()
        self.gone.set()
        self.runner.stop()
        if self.tracer:
            self.tracer.close()

    def _run(self) -> None:
        self._attempt(self._recover)
        while not self._stop.wait(self.settings.tick_seconds):
            self._attempt(self.service.tick)

    def _carry_on(self) -> None:
        """State that somebody sent on its way does not wait for the next look at everything."""
        stateful = [one for one in self.reconcilers.values() if one.loop.state is not None]
        while not self._stop.wait(_STATE_SECONDS):
            for reconciler in stateful:
                self._attempt(reconciler.carry_on)

    def _recover(self) -> None:
        for reconciler in self.reconcilers.values():
            reconciler.recover()

    def _attempt(self, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except HomeostatError as error:
            _LOG.warning("%s %s", error.problem, error.mend)
        except Exception:
            _LOG.exception("a look at the loops failed; the next one follows")


def build(settings: Settings) -> ControlProcess:
    """Put the parts together for one home."""
    home = settings.paths
    operations = Operations.open(home)
    registry = open_registry(home, settings.registry)
    tracer = open_tracer(settings.traces, "control", "control")
    recorder = (TracedBlockingRecorderClient if tracer else BlockingRecorderClient)(settings.recorder_socket)
    facts = Facts(recorder, settings.doors_url)
    publisher = Publisher(operations, registry, Fleet(home))
    engine = DbosEngine(home.workflows_db, release=_release())
    loops = load_started(settings)
    runner = TrainingRunner(
        settings.training_timeout_seconds,
        settings.training_memory_bytes,
        settings.training_threads,
        join_bytes=settings.join_memory_bytes,
        steps=home.steps,
        steps_bytes=settings.kept_steps_bytes,
    )
    gone = threading.Event()
    reconcilers = {
        name: _reconciler(loop, settings, operations, registry, facts, publisher, engine, runner, tracer, gone)
        for name, loop in loops.items()
    }
    clock = SystemClock() if settings.clock == "system" else None
    patience = settings.training_timeout_seconds
    showing = Showing(operations, loops, facts.recorder.flush)
    doors = DoorsWatch(settings.doors_url, SystemClock(), time.monotonic)
    price = settings.hourly_price
    rehearser = Rehearser(operations, doors, facts.recorder.flush)
    alerting, retention = Alerting.of(operations), Retention(operations, registry)
    keys = KeysOnRecord(keyring(), operations.store)
    service = ControlService(
        loops,
        reconcilers,
        operations,
        facts,
        clock,
        patience,
        showing,
        doors,
        price,
        rehearser,
        alerting,
        retention,
        keys,
    )
    emitter = _emitter(settings, loops, operations)
    return ControlProcess(settings, service, engine, reconcilers, runner, publisher, tracer, emitter, gone)


def _emitter(settings: Settings, loops: Mapping[str, Loop], operations: Operations) -> Emitter | None:
    """Tells others of trainings and releases, where it was told to."""
    if settings.openlineage is None:
        return None
    sender = sender_of(settings.openlineage, os.environ)
    return Emitter(settings.paths, loops, operations.store, sender, f"urn:homeostat:{version('homeostat')}")


def _release() -> str:
    """Names the code of the workflows."""
    return digest([hash_file(Path(retraining.__file__)), hash_file(Path(restoring.__file__))])


def _saying(operations: Operations) -> Callable[[str, Waiting | None], None]:
    def say(loop: str, waiting: Waiting | None) -> None:
        if waiting is not None:
            _LOG.info("loop %s has no version to answer with: %s", loop, waiting.text)
        operations.say_waiting(loop, waiting)

    return say


def _reconciler(
    loop: Loop,
    settings: Settings,
    operations: Operations,
    registry: Registry,
    facts: Facts,
    publisher: Publisher,
    engine: WorkflowEngine,
    runner: TrainingRunner,
    tracer: Tracer | None,
    gone: threading.Event,
) -> Reconciler:
    home = settings.paths
    tables, log = DeltaTables(home.tables), DeltaTables(home.log)
    check, known = SkewCheck.of(home, loop, tables), known_features(home, loop.name)
    why = Diagnoser.of(home, loop)
    observer = DeltaObserver(loop, tables, log, registry, facts, check, known, settings.skew_share, why)
    work = Retrainer(loop, settings.loop_file, home, registry, facts, runner, gone.wait)
    lagging, say = operations.fleet.lagging, _saying(operations)
    keeper = StateKeeper.of(loop, settings.paths, operations.store)
    found = Reconciler(
        loop,
        operations.store,
        observer,
        engine,
        publisher.publish,
        say,
        lagging,
        stateful=keeper or STATELESS,
        code=project_hash(Path(settings.loop_file)),
        outlook=Outlooks(operations, loop).of,
    )
    body = retraining_body(loop, operations.store, work, publisher.publish, keeper)
    engine.register(found.workflow_name, traced_body(body, tracer, loop.name) if tracer else body)
    if keeper is not None:
        restorer = Restorer(keeper, lambda: facts.recorder.flush().log.get(loop.name, -1))
        engine.register(workflow_name(loop.name), restoring_body(operations.store, restorer, publisher.publish))
    return found
