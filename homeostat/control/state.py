"""Where a loop stands: its route, its open rollout or retraining, and every version's standing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from homeostat.governance.audit import Draft, Entry
from homeostat.kernel.clock import Instant
from homeostat.registry.models import Variant
from homeostat.serving.routing import Route

if TYPE_CHECKING:
    from homeostat.control.days import Day

StandingName = Literal[
    "training", "candidate", "champion", "standby", "retired", "rejected", "rolled_back", "failed", "held", "deleted"
]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a version is to its loop, and since when (event time)."""

    name: StandingName
    since: Instant


@dataclass(frozen=True, slots=True)
class Pin:
    """Who keeps a version whatever the policy says, why, and since when (event time)."""

    actor: str
    reason: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Retraining:
    """A version in the making: its durable workflow, when and why it was asked for, and of which one's model it is made
    where it is not trained."""

    workflow: str
    version: str
    asked_at: Instant
    because: str
    variant: Variant | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person answered: who, why and when (event time). Only what is not ``approved`` of a retraining is kept."""

    actor: str
    reason: str
    at: Instant
    approved: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """What a rollout, a policy or a gate asks a person: may it do ``what``, on which evidence. A refusal ends the
    rollout. ``not_by`` is who may not approve it."""

    id: str
    what: str
    asked_at: Instant
    reasons: tuple[str, ...]
    answer: Answer | None = None
    not_by: str | None = None


@dataclass(frozen=True, slots=True)
class Rollout:
    """A candidate on its way in. ``step`` counts from 0; times are event time.

    ``looks`` were taken at its outcomes so far; the next one is due at ``look_at``. ``asked`` is what a person is
    asked at this step.
    """

    id: str
    candidate: str
    champion: str
    step: int
    opened_at: Instant
    entered_at: Instant
    look_at: Instant
    looks: int = 0
    asked: Question | None = None


@dataclass(frozen=True, slots=True)
class Drill:
    """A rollback that is being rehearsed: ``copy`` serves for ``champion``, and ``standby`` waits for its place."""

    copy: str
    champion: str
    standby: str | None
    began: Instant


@dataclass(frozen=True, slots=True)
class Flip:
    """The change of a route that waits for its state: a rollback, or ``to`` is redeployed."""

    to: str | None = None
    override: bool = False


@dataclass(frozen=True, slots=True)
class Restoring:
    """State on its way back: that of ``version`` from ``checkpoint``, whose content has ``hash``.

    ``leaving`` filled what is there now; rows served from ``since`` on are replayed where ``way`` says so. ``flip``
    is done once the state is right; None where the route went first.
    """

    id: str
    way: Literal["restore", "replay"]
    version: str
    leaving: str
    checkpoint: str
    hash: str
    since: Instant
    asked_at: Instant
    actor: str
    because: tuple[str, ...]
    generation: int
    flip: Flip | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A version that passed its gate and may not serve before there is a checkpoint later than number ``after``, or
    before a person has answered what is ``asked``."""

    version: str
    since: Instant
    after: int
    problem: str
    asked: Question | None = None


@dataclass(frozen=True, slots=True)
class LoopState:
    """One row of the relational store, replaced as a whole by compare-and-set on ``revision``.

    ``trainings``: when those of the last weeks were asked for, oldest first. ``asked``: what a person is asked, or was,
    about the next one. ``early``: days that only a clock which was ahead took for ended, until they are observed again.
    """

    loop: str
    revision: int
    route: Route
    versions: Mapping[str, Standing] = dataclasses.field(default_factory=dict)
    rollout: Rollout | None = None
    retraining: Retraining | None = None
    decided_until: Instant | None = None
    retrained_at: Instant | None = None
    first_version: str | None = None
    next_version: int = 1
    drill: Drill | None = None
    restoring: Restoring | None = None
    held: Held | None = None
    trainings: tuple[Instant, ...] = ()
    asked: Question | None = None
    pins: Mapping[str, Pin] = dataclasses.field(default_factory=dict)
    early: tuple[str, ...] = ()

    @property
    def serving(self) -> str | None:
        """The version that serves, also while its copy does for a drill."""
        return self.route.champion if self.drill is None else self.drill.champion

    def standing(self, version: str, name: StandingName, since: Instant) -> LoopState:
        """The same state with one version's standing changed."""
        return dataclasses.replace(self, versions={**self.versions, version: Standing(name, since)})


def initial_state(loop: str) -> LoopState:
    """A loop that has served nothing yet.

    >>> initial_state("late-arrival").route.generation
    0
    """
    return LoopState(loop=loop, revision=0, route=Route(loop=loop, generation=0, champion=None))


@dataclass(frozen=True, slots=True)
class DayCounts:
    """What all days of a loop come to: rows served, requests that failed, and rows whose label came."""

    served: int
    failed: int
    labelled: int


class ControlStore(Protocol):
    """The one truth about routes, rollouts, days and decisions; every change is one transaction."""

    def state(self, loop: str) -> LoopState:
        """The present state; the initial one for a loop never seen."""
        ...

    def commit(self, before: LoopState, after: LoopState, drafts: Sequence[Draft], days: Sequence[Day]) -> LoopState:
        """Replace ``before`` by ``after`` and write decisions and days with it, all or nothing.

        A draft whose id is in the ledger already is not written again.
        Raises: Conflict when the state is no longer ``before``; Unavailable where nothing can be written.
        """
        ...

    def days(self, loop: str, *, after: int = 0) -> list[tuple[int, Day]]:
        """Days changed after a cursor, each with its own cursor, oldest change first."""
        ...

    def newest_days(self, loop: str, many: int) -> list[Day]:
        """The last days by date, so many at most, oldest first."""
        ...

    def counted(self, loop: str) -> DayCounts:
        """What all days together count, without reading them."""
        ...

    def entries(self, loop: str | None = None, *, after: int = 0) -> list[Entry]:
        """The ledger in order; of one loop, or of all."""
        ...

    def entry(self, draft_id: str) -> Entry | None:
        """The entry written under Homeostat's own id, if any."""
        ...
