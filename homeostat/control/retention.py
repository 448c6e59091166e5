"""Which versions may be deleted: none that serves, may have to serve, or is kept on purpose; the rest by policy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from homeostat.control.days import Day
from homeostat.control.state import LoopState, Pin
from homeostat.control.transitions import Facts, Transition, draft_of
from homeostat.data.checks import did_you_mean
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import Instant, duration
from homeostat.kernel.errors import InvalidInput, NotFound, Refused
from homeostat.kernel.verdicts import Reason, Verdict

KEEP, DELETE = "KEEP", "DELETE"
_NO_FILES = ("training", "failed", "deleted")
Originals = Mapping[str, str]
"""Of which version's model a variant was made."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What stays of versions that nothing needs: the newest ``last`` ones, and those that came to stand as they do less
    than ``age`` ago, in event time. A version goes when neither keeps it; without both, none goes."""

    last: int | None = None
    age: str | None = None

    def __post_init__(self) -> None:
        if (self.last is not None and self.last < 1) or (self.age is not None and not duration(self.age)):
            raise InvalidInput(
                f"Keep(last={self.last}, age={self.age!r}) keeps nothing.",
                mend="Give last of at least 1, age such as '180d', or leave both out to keep all.",
            )

    @property
    def everything(self) -> bool:
        """Whether nothing is ever deleted by policy."""
        return self.last is None and self.age is None


def needed(state: LoopState, originals: Originals) -> dict[str, str]:
    """Versions that must not go, each with the reason: what a route or a way back needs, and what is pinned."""
    found: dict[str, str] = {}
    for version, why in _named(state):
        if version is not None:
            found.setdefault(version, why)
    for version in list(found):
        if version in originals:
            found.setdefault(originals[version], f"{version} was made of it")
    return found


def judge_retention(state: LoopState, keep: Keep, originals: Originals, now: Instant) -> dict[str, Verdict]:
    """For each version with files, newest first: KEEP or DELETE, with the reason."""
    must, made = needed(state, originals), _made(state)
    found = {}
    for place, version in enumerate(made):
        since = state.versions[version].since
        if version in must:
            found[version] = _verdict(KEEP, "needed", must[version])
        elif keep.everything:
            found[version] = _verdict(KEEP, "all_stay", "no policy deletes versions")
        elif keep.last is not None and place < keep.last:
            found[version] = _verdict(KEEP, "among_the_last", f"it is among the newest {keep.last}")
        elif keep.age is not None and now - since < duration(keep.age):
            found[version] = _verdict(KEEP, "young", f"it came to stand so less than {keep.age} ago")
        else:
            found[version] = _verdict(DELETE, "not_needed", "nothing needs it, and the policy does not keep it")
    return found


def present(days: Iterable[Day], now: Instant) -> Instant:
    """Event time as what was served tells it, ``now`` at most: a clock that is ahead for a moment deletes nothing."""
    return min(now, max((day.end for day in days if day.inputs.rows), default=now))


def pin(state: LoopState, version: str, reason: str, now: Instant, actor: str) -> Transition:
    """Keep a version whatever the policy says, as for an audit. Raises: NotFound, Refused where it has no files."""
    _must_have_files(state, version)
    after = dataclasses.replace(state, pins={**state.pins, version: Pin(actor, reason, now)})
    verdict = _verdict("PIN", "asked_for", f"asked for by {actor}: {reason}")
    return Transition(after, (_draft(state, "pin", f"{version} is pinned", verdict, version, now, {}, actor),))


def unpin(state: LoopState, version: str, reason: str, now: Instant, actor: str) -> Transition:
    """Leave a version to the policy again. Raises: NotFound where it is not pinned."""
    if version not in state.pins:
        mend = did_you_mean(version, state.pins)
        raise NotFound(f"{version!r} of {state.loop!r} is not pinned.", mend=mend, loop=state.loop, version=version)
    after = dataclasses.replace(state, pins={name: one for name, one in state.pins.items() if name != version})
    verdict = _verdict("UNPIN", "asked_for", f"asked for by {actor}: {reason}")
    return Transition(
        after, (_draft(state, "unpin", f"{version} is pinned no more", verdict, version, now, {}, actor),)
    )


def delete(
    state: LoopState, version: str, verdict: Verdict, facts: Facts, originals: Originals, now: Instant, actor: str
) -> Transition:
    """Record that a version goes; ``facts`` is what stays known of it. Its files are removed after that.

    Raises: NotFound, Refused where it has no files, or something needs it.
    """
    _must_have_files(state, version)
    why = needed(state, originals).get(version)
    if why is not None:
        raise Refused(
            f"{version} of {state.loop!r} is needed: {why}.",
            mend="Delete it once it is not; a pin ends with 'homeostat versions unpin'.",
            loop=state.loop,
            version=version,
        )
    draft = _draft(state, "delete", f"{version} is deleted", verdict, version, now, facts, actor)
    return Transition(state.standing(version, "deleted", now), (draft,))


def _named(state: LoopState) -> Iterator[tuple[str | None, str]]:
    route, drill, restoring, made = state.route, state.drill, state.restoring, state.retraining
    yield from ((version, "it is on the route") for version in route.versions)
    if state.rollout is not None:
        yield from ((one, "a rollout is open") for one in (state.rollout.candidate, state.rollout.champion))
    if drill is not None:
        yield from ((one, "a rollback is rehearsed") for one in (drill.champion, drill.standby, drill.copy))
    if restoring is not None:
        flip = restoring.flip.to if restoring.flip is not None else None
        yield from ((one, "its state is put back") for one in (restoring.version, restoring.leaving, flip))
    if made is not None:
        yield made.version, "it is being made"
        yield (made.variant.of if made.variant is not None else None), "a variant is being made of it"
    yield (state.held.version if state.held is not None else None), "it waits for a checkpoint"
    yield state.first_version, "the report measures the others by it"
    yield _last_retired(state), "it is the newest that served before, to go back to"
    yield from ((version, f"{one.actor} pinned it: {one.reason}") for version, one in state.pins.items())


def _last_retired(state: LoopState) -> str | None:
    served = [version for version in _made(state) if state.versions[version].name == "retired"]
    return served[0] if served else None


def _made(state: LoopState) -> list[str]:
    made = [version for version, one in state.versions.items() if one.name not in _NO_FILES]
    return sorted(made, key=lambda version: -int(version.removeprefix("v")))


def _must_have_files(state: LoopState, version: str) -> None:
    standing = state.versions.get(version)
    if standing is None:
        mend = did_you_mean(version, state.versions)
        raise NotFound(f"Loop {state.loop!r} has no version {version!r}.", mend=mend, loop=state.loop, version=version)
    if standing.name in _NO_FILES:
        told = "was deleted" if standing.name == "deleted" else "was never finished"
        mend = "Name a version that 'homeostat versions' shows with figures."
        raise Refused(f"{version} of {state.loop!r} {told}.", mend=mend, loop=state.loop, version=version)


def _verdict(name: str, code: str, text: str) -> Verdict:
    return Verdict(name, (Reason(code, None, None, text),))


def _draft(
    state: LoopState, kind: str, title: str, verdict: Verdict, version: str, now: Instant, facts: Facts, actor: str
) -> Draft:
    """Pins come and go: each change has an id of its own, that of the state it changes."""
    name = f"{state.loop}/{version}/{state.revision}"
    return draft_of(state, name, kind, title, verdict, version, now, facts, actor)
