"""The routes in memory: prepared beside the traffic, swapped in one assignment, refused when unfit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from homeostat.kernel.errors import Conflict, HomeostatError, Unavailable, Untrusted
from homeostat.kernel.verdicts import ACCEPT
from homeostat.registry.binding import Binding, judge_binding
from homeostat.serving.batches import Batches
from homeostat.serving.batching import Decision, decide
from homeostat.serving.plans import ServingPlan
from homeostat.serving.routing import Route
from homeostat.serving.runtimes import Candidate, Loaded, LoadRuntime, Runtime, StartCandidate
from homeostat.serving.waiting import Waiting, no_version

Made = TypeVar("Made", Runtime, Candidate)


class Unhonoured(Unavailable):
    """A version cannot be served: the loop's definitions do not give what it was trained on."""

    code = "definitions_differ"


@dataclass(frozen=True, slots=True)
class Serving:
    """A route with its versions loaded and warm: champion and standby in this process, candidates in their own.

    One that could not be loaded, and need not be, is in neither: ``problem`` says why, ``untrusted`` where nobody
    trusted has signed what lies there. ``batches`` are those of the runtimes whose requests go together; ``decisions``
    say of each runtime why they do, or do not.
    """

    route: Route
    runtimes: Mapping[str, Runtime] = field(default_factory=dict)
    candidates: Mapping[str, Candidate] = field(default_factory=dict)
    problem: str | None = None
    untrusted: str | None = None
    batches: Mapping[str, Batches] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)


class LiveRoutes:
    """Holds what every loop serves now.

    ``prepare`` may run in a thread; ``take`` and ``refuse`` run where requests are answered, so that a
    request sees the old route or the new one and nothing between. ``timer`` tells seconds of processing time, by
    which is decided whose requests go together; to one that stands still every model is quick.
    """

    def __init__(
        self,
        plans: Iterable[ServingPlan],
        load: LoadRuntime,
        start: StartCandidate,
        timer: Callable[[], float] = float,
    ) -> None:
        self._plans = {plan.name: plan for plan in plans}
        self._timer = timer
        self._loops = tuple(self._plans)
        self._load, self._start = load, start
        self._now: dict[str, Serving] = {}
        self._problems: dict[str, HomeostatError] = {}
        self._waiting: dict[str, Waiting | None] = {}

    @property
    def loops(self) -> tuple[str, ...]:
        """Names of the loops that may be served."""
        return self._loops

    def current(self, loop: str) -> Serving | None:
        """What the loop serves; None before its first route."""
        return self._now.get(loop)

    def problem(self, loop: str) -> str | None:
        """Why the newest route is not served as it was asked; None when all is well."""
        serving, refused = self._now.get(loop), self._problems.get(loop)
        return _told(refused) if refused else (serving.problem if serving else None)

    def untrusted(self, loop: str) -> str | None:
        """Which version was not loaded because nobody trusted has signed what lies there; None when there is none."""
        serving, refused = self._now.get(loop), self._problems.get(loop)
        return refused.problem if isinstance(refused, Untrusted) else (serving.untrusted if serving else None)

    def wait(self, loop: str, waiting: Waiting | None) -> None:
        """Remember what control says while nothing serves."""
        self._waiting[loop] = waiting

    def no_version(self, loop: str) -> Unavailable:
        """Why a loop has no version to answer with, as far as it is known."""
        return no_version(loop, self._waiting.get(loop), self.problem(loop))

    def prepare(self, route: Route) -> Serving:
        """Load and warm what a route names; nothing changes yet.

        What is loaded is taken over. A standby that cannot be loaded is left out and said. So is a candidate, when
        nothing older could go on serving: its units are then answered by the champion.
        Raises: Conflict for a generation that is not newer; HomeostatError when a version cannot serve.
        """
        before = self._now.get(route.loop)
        self._must_be_newer(route, before)
        old = before or Serving(route)
        problems: dict[str, HomeostatError] = {}
        runtimes: dict[str, Runtime] = {}
        candidates: dict[str, Candidate] = {}
        try:
            for version in dict.fromkeys(v for v in (route.champion, route.standby) if v is not None):
                told = None if version == route.champion else problems
                self._put(runtimes, version, old.runtimes, self._warm, route.loop, told)
            for version in route.candidates:
                told = None if before is not None else problems
                self._put(candidates, version, old.candidates, self._begin, route.loop, told)
            decisions = {version: self._decide(route.loop, runtime, old) for version, runtime in runtimes.items()}
        except Exception:
            for version, candidate in candidates.items():
                if old.candidates.get(version) is not candidate:
                    candidate.end()
            raise
        batches = {
            version: old.batches.get(version) or Batches(runtimes[version], decision.rows)
            for version, decision in decisions.items()
            if decision.rows > 1
        }
        said = " ".join(f"{version} could not be loaded: {one.problem}" for version, one in problems.items())
        untrusted = " ".join(one.problem for one in problems.values() if isinstance(one, Untrusted))
        return Serving(route, runtimes, candidates, said or None, untrusted or None, batches, decisions)

    def take(self, serving: Serving) -> None:
        """Serve this from the next request on, unless something newer is served by now.

        Candidates that are not needed any more are let go.
        """
        loop = serving.route.loop
        before = self._now.get(loop)
        left, kept = before, serving
        if before is not None and before.route.generation > serving.route.generation:
            left, kept = serving, before
        else:
            self._now[loop] = serving
            self._problems.pop(loop, None)
        for version, candidate in left.candidates.items() if left else ():
            if kept.candidates.get(version) is not candidate:
                candidate.close()

    def close(self) -> None:
        """End every candidate; nothing is asked any more."""
        for serving in self._now.values():
            for candidate in serving.candidates.values():
                candidate.end()

    def refuse(self, loop: str, problem: HomeostatError) -> None:
        """Keep what is served, and say why."""
        self._problems[loop] = problem

    def _must_be_newer(self, route: Route, before: Serving | None) -> None:
        if route.loop not in self._plans:
            raise Conflict(f"No loop {route.loop!r} is served here.", mend="Restart with its definition.")
        if before is None or route.generation > before.route.generation:
            return
        if route == before.route and before.problem:  # another try at what was left out
            return
        raise Conflict(
            f"Generation {route.generation} does not follow {before.route.generation}.",
            mend="Write the route with a greater generation.",
            loop=route.loop,
        )

    def _put(
        self,
        into: dict[str, Made],
        version: str,
        known: Mapping[str, Made],
        make: Callable[[str, str], Made],
        loop: str,
        problems: dict[str, HomeostatError] | None,
    ) -> None:
        """Take a version over or make it; one that may be left out has its trouble added to ``problems``."""
        try:
            into[version] = known.get(version) or make(loop, version)
        except HomeostatError as error:
            if problems is None:
                raise
            problems[version] = error

    def _begin(self, loop: str, version: str) -> Candidate:
        """Start a version in its own process, where it is warmed, and see that we can feed it."""
        candidate = self._start(loop, version)
        try:
            self._must_be_honoured(loop, candidate)
        except HomeostatError:
            candidate.end()
            raise
        return candidate

    def _warm(self, loop: str, version: str) -> Runtime:
        """Load a version, see that we can feed it what it was trained on, and let it predict once."""
        runtime = self._load(loop, version)
        self._must_be_honoured(loop, runtime)
        warm(runtime, loop)
        return runtime

    def _decide(self, loop: str, runtime: Runtime, old: Serving) -> Decision:
        """Once for each time that a version is loaded."""
        known = old.decisions.get(runtime.version)
        return known or decide(self._plans[loop].batching, runtime, self._timer)

    def _must_be_honoured(self, loop: str, runtime: Loaded) -> None:
        plan = self._plans[loop]
        strange = [name for name, kind in runtime.inputs if plan.features.kinds.get(name) != kind]
        found = judge_binding(runtime.binding, Binding.of(plan.features))
        if found.name == ACCEPT and not strange:
            return
        differing = found.texts if found.name != ACCEPT else tuple(f"no feature {name}" for name in strange)
        raise Unhonoured(
            f"Version {runtime.version} was trained with other definitions: {'; '.join(differing)}.",
            mend="Put these definitions back, or let the loop train a version with the present ones.",
            loop=loop,
            version=runtime.version,
            definitions=list(differing),
        )


def _told(error: HomeostatError) -> str:
    return f"{error.problem} {error.mend}"


def warm(runtime: Runtime, loop: str) -> None:
    """Let a version predict once, on missing values. Raises: Unavailable when it fails."""
    try:
        runtime.predict({name: [None] for name, _ in runtime.inputs})
    except Exception as error:  # a model may fail in any way
        raise Unavailable(
            f"Version {runtime.version} fails on a first prediction: {type(error).__name__}: {error}.",
            mend="Route to another version; look at how this one was converted.",
            loop=loop,
            version=runtime.version,
        ) from error
