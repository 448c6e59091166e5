"""The routes in memory: prepared beside the traffic, swapped in one assignment, refused when unfit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from homeostat.kernel.errors import Conflict, HomeostatError, Unavailable
from homeostat.kernel.verdicts import ACCEPT
from homeostat.registry.binding import Binding, judge_binding
from homeostat.serving.plans import ServingPlan
from homeostat.serving.routing import Route
from homeostat.serving.runtimes import LoadRuntime, Runtime
from homeostat.serving.waiting import Waiting, no_version


class Unhonoured(Unavailable):
    """A version cannot be served: the loop's definitions do not give what it was trained on."""

    code = "definitions_differ"


@dataclass(frozen=True, slots=True)
class Serving:
    """A route with its runtimes loaded and warm. A canary that could not be loaded is not in ``runtimes``."""

    route: Route
    runtimes: Mapping[str, Runtime] = field(default_factory=dict)
    problem: str | None = None


class LiveRoutes:
    """Holds what every loop serves now.

    ``prepare`` may run in a thread; ``take`` and ``refuse`` run where requests are answered, so that a
    request sees the old route or the new one and nothing between.
    """

    def __init__(self, plans: Iterable[ServingPlan], load: LoadRuntime) -> None:
        self._plans = {plan.name: plan for plan in plans}
        self._load = load
        self._now: dict[str, Serving] = {}
        self._problems: dict[str, str] = {}
        self._waiting: dict[str, Waiting | None] = {}

    @property
    def loops(self) -> tuple[str, ...]:
        """Names of the loops that may be served."""
        return tuple(self._plans)

    def current(self, loop: str) -> Serving | None:
        """What the loop serves; None before its first route."""
        return self._now.get(loop)

    def problem(self, loop: str) -> str | None:
        """Why the newest route is not served as it was asked; None when all is well."""
        serving = self._now.get(loop)
        return self._problems.get(loop) or (serving.problem if serving else None)

    def wait(self, loop: str, waiting: Waiting | None) -> None:
        """Remember what control says while nothing serves."""
        self._waiting[loop] = waiting

    def no_version(self, loop: str) -> Unavailable:
        """Why a loop has no version to answer with, as far as it is known."""
        return no_version(loop, self._waiting.get(loop), self.problem(loop))

    def prepare(self, route: Route) -> Serving:
        """Load and warm what a route names; nothing changes yet.

        Runtimes in memory are taken over. A standby that cannot be loaded is left out and said. So is a
        canary, when nothing older could go on serving: its units are then answered by the champion.
        Raises: Conflict for a generation that is not newer; HomeostatError when a version cannot serve.
        """
        before = self._now.get(route.loop)
        self._must_be_newer(route, before)
        loaded: dict[str, Runtime] = dict(before.runtimes) if before else {}
        problems: list[str] = []
        for version in route.versions:
            try:
                loaded[version] = loaded.get(version) or self._warm(route.loop, version)
            except HomeostatError as error:
                if version == route.champion or (version == route.canary and before is not None):
                    raise
                problems.append(f"{version} could not be loaded: {error.problem}")
        kept = {version: loaded[version] for version in route.versions if version in loaded}
        return Serving(route, kept, " ".join(problems) or None)

    def take(self, serving: Serving) -> None:
        """Serve this from the next request on."""
        self._now[serving.route.loop] = serving
        self._problems.pop(serving.route.loop, None)

    def refuse(self, loop: str, problem: str) -> None:
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

    def _warm(self, loop: str, version: str) -> Runtime:
        """Load a version, see that we can feed it what it was trained on, and let it predict once."""
        runtime = self._load(loop, version)
        self._must_be_honoured(loop, runtime)
        try:
            runtime.predict({name: [None] for name, _ in runtime.inputs})
        except Exception as error:  # a model may fail in any way
            raise Unavailable(
                f"Version {version} fails on a first prediction: {type(error).__name__}: {error}.",
                mend="Route to another version; look at how this one was converted.",
                loop=loop,
                version=version,
            ) from error
        return runtime

    def _must_be_honoured(self, loop: str, runtime: Runtime) -> None:
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
