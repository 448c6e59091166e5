"""One loop's control over the real store, other ports in memory, and a way to die before any call of a port."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import homeostat as hs
from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.loop import Loop
from homeostat.control.policies.first import Matured
from homeostat.control.reconcile import Reconciler
from homeostat.control.retraining import retraining_body
from homeostat.control.state import LoopState
from homeostat.governance.audit import Entry
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.errors import HomeostatError
from homeostat.monitoring.diagnosis import Diagnosis
from homeostat.monitoring.performance import PairSums
from homeostat.registry.binding import Binding
from homeostat.serving.routing import Route
from homeostat.serving.waiting import Waiting
from homeostat.stats.figures.sums import ScoreSums
from homeostat.stats.intervals import Interval
from homeostat.training.evaluation import Evaluation, Figures
from homeostat.training.pipeline import WorkflowState
from homeostat.training.steps import StepRecord

DAY = duration("1d")
ROWS = 40
Json = Any


class Died(BaseException):
    """The process ends here and now."""


class Fate:
    """Counts the calls of ports that have an effect, and ends the process before chosen ones.

    To die after one is to die before the next: what a process knew is gone, and nothing else happened.
    """

    def __init__(self, *moments: int) -> None:
        self.moments, self.seen = set(moments), 0

    def call(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Do the work, unless it is time to die."""
        self.seen += 1
        if self.seen in self.moments:
            raise Died
        return work(*arguments, **named)

    def of(self, port: Any, *names: str) -> Any:
        """The same port, in which each named call may be the last."""
        return _Mortal(port, self, names)


class _Mortal:
    def __init__(self, port: Any, fate: Fate, names: Sequence[str]) -> None:
        self._port, self._fate, self._names = port, fate, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in self._names:
            return found
        return lambda *arguments, **named: self._fate.call(found, *arguments, **named)


@dataclasses.dataclass
class Workflows:
    """What a workflow engine keeps on disk: arguments, results of finished steps, how it ended."""

    asked: dict[str, tuple[str, Json]] = dataclasses.field(default_factory=dict)
    steps: dict[str, list[Json]] = dataclasses.field(default_factory=dict)
    ended: dict[str, WorkflowState] = dataclasses.field(default_factory=dict)


class Engine:
    """The port ``WorkflowEngine`` in memory; a workflow runs while somebody waits for it."""

    def __init__(self, disk: Workflows) -> None:
        self._disk = disk
        self._bodies: dict[str, Any] = {}

    def register(self, name: str, body: Any) -> None:
        self._bodies[name] = body

    def launch(self) -> None:
        for workflow in [name for name in self._disk.asked if name not in self._disk.ended]:
            self.wait(workflow, 0)

    def start(self, name: str, workflow_id: str, arguments: Json) -> None:
        self._disk.asked.setdefault(workflow_id, (name, arguments))

    def state(self, workflow_id: str) -> WorkflowState:
        known = WorkflowState("PENDING" if workflow_id in self._disk.asked else "UNKNOWN")
        return self._disk.ended.get(workflow_id, known)

    def wait(self, workflow_id: str, timeout: float) -> WorkflowState:
        if workflow_id in self._disk.asked and workflow_id not in self._disk.ended:
            name, arguments = self._disk.asked[workflow_id]
            self._disk.ended[workflow_id] = self._run(workflow_id, self._bodies[name], arguments)
        return self.state(workflow_id)

    def close(self) -> None:
        return None

    def _run(self, workflow: str, body: Any, arguments: Json) -> WorkflowState:
        try:
            return WorkflowState("DONE", body(_Steps(self._disk.steps.setdefault(workflow, [])), arguments))
        except HomeostatError as error:
            return WorkflowState("FAILED", error=error.to_dict())


class _Steps:
    def __init__(self, kept: list[Json]) -> None:
        self._kept, self._place = kept, 0

    def run(self, name: str, effect: Callable[[], Json]) -> Json:
        if self._place == len(self._kept):
            self._kept.append(effect())
        self._place += 1
        return self._kept[self._place - 1]


@dataclasses.dataclass
class Outside:
    """The world outside the store: what is registered and served, how often each was done, what truth says.

    ``harm`` is what each version loses against the champion, in nats per row, once its outcomes are in;
    ``worse`` is what each loses on all rows of a day; ``faults`` are the versions that answer nothing; ``failing``
    those whose training ends in an error; ``bound`` those that were trained with definitions of their own.
    ``diagnosis`` is what is told whenever somebody asks why. Nobody asks from ``quiet_from`` on.
    """

    harm: dict[str, float] = dataclasses.field(default_factory=dict)
    offline: dict[str, float] = dataclasses.field(default_factory=dict)
    worse: dict[str, float] = dataclasses.field(default_factory=dict)
    faults: set[str] = dataclasses.field(default_factory=set)
    failing: set[str] = dataclasses.field(default_factory=set)
    trained: list[str] = dataclasses.field(default_factory=list)
    registered: list[str] = dataclasses.field(default_factory=list)
    served: list[Route] = dataclasses.field(default_factory=list)
    bound: dict[str, Binding] = dataclasses.field(default_factory=dict)
    waiting: Waiting | None = None
    diagnosis: Diagnosis = dataclasses.field(default_factory=lambda: Diagnosis("nothing", "no rise is proven"))
    asked_why: list[Instant] = dataclasses.field(default_factory=list)
    quiet_from: Instant | None = None

    def publish(self, state: LoopState) -> None:
        """As a publisher does: nothing before the first champion."""
        if state.route.generation:
            self.served.append(state.route)

    def wait(self, loop: str, waiting: Waiting | None) -> None:
        """What people are told of an empty route."""
        self.waiting = waiting

    def pin(self, ask: Json) -> Json:
        return {"sequence": ask["asked_at"]}

    def train(self, ask: Json, pin: Json) -> Json:
        version = ask["version"]
        self.trained.append(version)
        if version in self.failing:
            raise HomeostatError("The function raised.", mend="Mend it.")
        return {
            "version": {"version": version, "form": {"runtime": "skops", "why": "It has no ONNX form."}},
            "evaluation": plain(_evaluation(version, ask["champion"], self.offline.get(version, 0.0))),
        }

    def sign(self, ask: Json, trained: Json) -> Json:
        return dict(plain(StepRecord("sign", "done", gives={"signature": "s"})))

    def register(self, ask: Json, trained: Json) -> Json:
        if ask["version"] not in self.registered:
            self.registered.append(ask["version"])
        return dict(plain(StepRecord("register", "done", takes={"signature": "s"}, seconds=0.5)))

    def observe(self, state: LoopState, days: Sequence[Day], now: Instant) -> list[Day]:
        """A day is seen when it ends, its outcomes a day later."""
        if state.route.champion is None:
            return []
        begun = days[-1].end if days else (now // DAY - 1) * DAY
        seen = [self._day(state, start) for start in range(begun, now // DAY * DAY, DAY)]
        due = [day for day in days if day.outcomes is None and day.mature_at <= now]
        return sorted([*seen, *(self._with_outcomes(state, day) for day in due)], key=lambda day: day.start)

    def matured(self, now: Instant) -> Matured:
        return Matured(now // DAY * 1_000, now // DAY - 3)

    def binding(self, version: str) -> Binding:
        return self.bound.get(version, Binding.of(loop_of().feature_set))

    def promise(self, version: str) -> Interval:
        return Interval(0.3, 0.25, 0.35, 5, 500, 0.95)

    def learnt(self, version: str) -> int:
        return 10_000

    def diagnose(self, state: LoopState, days: Sequence[Day], entries: Sequence[Entry], now: Instant) -> Diagnosis:
        self.asked_why.append(now)
        return self.diagnosis

    def _day(self, state: LoopState, start: Instant) -> Day:
        candidate = state.route.canary
        asked = {str(state.route.champion): 60, **({candidate: 40} if candidate else {})}
        faults = {candidate: 40} if candidate in self.faults and candidate else {}
        rows = 100 if self.quiet_from is None or start < self.quiet_from else 0
        inputs = Inputs(rows, asked, faults, 0, state.route.champion, {}, {}, None, {}, {})
        return Day(f"d{start // DAY:03}", start, start + DAY, start + 2 * DAY, inputs)

    def _with_outcomes(self, state: LoopState, day: Day) -> Day:
        drawn = np.random.default_rng(day.start // DAY)
        scores = drawn.uniform(0.05, 0.95, ROWS)
        sums = ScoreSums.of(drawn.random(ROWS) < scores, scores)
        rollout = state.rollout
        paired: tuple[PairSums, ...] = ()
        if rollout is not None:
            lost = ROWS * (self.harm.get(rollout.candidate, 0.0) + drawn.normal(0, 0.0005))
            paired = (PairSums(day.day, rollout.candidate, rollout.champion, ROWS, lost),)
        named = (state.first_version, state.route.champion, state.route.standby, *state.route.arms)
        lose = {name: ROWS * (self.worse.get(name, 0.0) + drawn.normal(0, 0.0005)) for name in self.worse}
        versions = {
            name: dataclasses.replace(sums, log_loss=sums.log_loss + lose.get(name, 0.0)) for name in named if name
        }
        return day.with_outcomes(Outcomes(ROWS, 0, 0, sums, versions, paired))


def _evaluation(version: str, champion: str | None, worse: float) -> Evaluation:
    skill = Interval(0.3, 0.25, 0.35, 5, 500, 0.95)
    figures = Figures(version, 0.5, 0.2, 0.7, skill)
    difference = Interval(worse, worse - 0.005, worse + 0.005, 5, 500, 0.95) if champion else None
    old = Figures(champion, 0.5, 0.2, 0.7, skill) if champion else None
    return Evaluation(500, 5, 0, 5 * DAY, 0.5, figures, old, difference)


def loop_of(**parts: Any) -> Loop:
    """A loop that retrains every five days and for no other reason."""
    asked = hs.Table(
        "asked", key="id", event_time="at", contract={"id": hs.text(), "at": hs.instant(), "x": hs.number()}
    )
    told = hs.Table("told", key="id", event_time="at", contract={"id": hs.text(), "at": hs.instant(), "y": hs.number()})
    limits: dict[str, Any] = {
        "retrain": hs.Retrain(when=hs.Schedule(at_latest="5d"), cool_down="3d", first_holdout="3d", min_rows=100),
        "gate": hs.Gate(min_days=3, margin=0.01),
        "rollout": hs.Canary(holds=("4d", "1d", "1d", "1d"), margin=0.01),
    }
    return Loop(
        name="demo",
        question=asked,
        features=[asked["x"]],
        label=hs.Label(told, "y > 0", matures="1d after at"),
        train=lambda rows, config: rows,
        **{**limits, **parts},
    )


class Site:
    """One home: what outlives a process, and a way to start one. ``fate`` decides when processes end."""

    def __init__(self, folder: Path, outside: Outside | None = None, fate: Fate | None = None, **parts: Any) -> None:
        self.loop, self.outside, self.fate = loop_of(**parts), outside or Outside(), fate or Fate()
        self.disk, self.deaths = Workflows(), 0
        self.heads = HeadsFile(folder / "ledger")
        self._database = Database(folder / "control.sqlite", durable=False)
        self.store = SqlControlStore(self._database, self.heads)
        self._process: Reconciler | None = None

    def live(self, first: int, last: int) -> LoopState:
        """Decide every midnight of the days, starting a new process whenever one dies; each is served by then."""
        for number in range(first, last + 1):
            while not self._lived(number * DAY):
                self.deaths += 1
                self._process = None
            state = self.store.state("demo")
            assert state.route.generation == 0 or self.outside.served[-1] == state.route
        return self.store.state("demo")

    def start_anew(self) -> None:
        """The next look is another process's."""
        self._process = None

    @property
    def process(self) -> Reconciler:
        """The one that runs now."""
        if self._process is None:
            self._process = self._start()
        return self._process

    def _lived(self, now: Instant) -> bool:
        try:
            self.process.settle(now, 1.0)
        except Died:
            return False
        return True

    def _start(self) -> Reconciler:
        engine = Engine(self.disk)
        store = SqlControlStore(self._database, self.fate.of(self.heads, "intend", "seal"))
        publish = self.fate.of(self.outside, "publish").publish
        work = self.fate.of(self.outside, "pin", "train", "sign", "register")
        found = Reconciler(self.loop, store, self.outside, self.fate.of(engine, "start"), publish, self.outside.wait)
        engine.register(found.workflow_name, retraining_body(self.loop, store, work, publish))
        engine.launch()
        found.recover()
        return found
