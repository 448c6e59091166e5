"""Keeps and deletes versions of a home: what is decided is in the ledger before anything is removed."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from homeostat.app.by_hand.operations import Operations
from homeostat.app.control.last_steps import forget
from homeostat.app.shown import views
from homeostat.control.loop import Loop
from homeostat.control.retention import DELETE, Keep, delete, judge_retention, pin, present, unpin
from homeostat.control.state import LoopState
from homeostat.control.transitions import Transition
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import Conflict, HomeostatError
from homeostat.kernel.verdicts import Reason, Verdict
from homeostat.registry.models import Registry
from homeostat.training.jobs import JobFolder

Json = dict[str, Any]
_LOG = logging.getLogger("homeostat.control")
_POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Retention:
    """Versions of one home. ``registry`` is where their files are registered."""

    operations: Operations
    registry: Registry

    def pin(self, loop: Loop, version: str, reason: str, actor: str) -> Json:
        """Keep a version, whatever the policy says."""
        return self._decided(loop, lambda state, now: pin(state, version, reason, now, actor))

    def unpin(self, loop: Loop, version: str, reason: str, actor: str) -> Json:
        """Leave it to the policy again."""
        return self._decided(loop, lambda state, now: unpin(state, version, reason, now, actor))

    def plan(self, loop: Loop, keep: Keep, now: Instant | None = None) -> list[Json]:
        """What would become of each version under a policy, newest first, and why."""
        state = self.operations.store.state(loop.name)
        found = judge_retention(state, keep, self._originals(loop), now or self._present(loop, state))
        return [
            {
                "version": version,
                "standing": state.versions[version].name,
                "since": format_instant(state.versions[version].since),
                "verdict": verdict.name,
                "why": verdict.texts[0],
            }
            for version, verdict in found.items()
        ]

    def delete(self, loop: Loop, version: str, reason: str, actor: str) -> Json:
        """Delete one version: written to the ledger, then removed from the registry and from here.

        Raises: NotFound, Refused where something needs it. A registry that is away ends it half-way, on record: the
        version serves nobody any more, and asking again removes what is left.
        """
        state = self.operations.store.state(loop.name)
        known = state.versions.get(version)
        if known is None or known.name != "deleted":
            verdict = Verdict(DELETE, (Reason("asked_for", actor, None, f"asked for by {actor}: {reason}"),))
            return self._delete(loop, version, verdict, actor, None)
        self._remove(loop, version)
        return {"version": version, "decision": None}

    def prune(self, loop: Loop, keep: Keep, actor: str, now: Instant | None = None) -> list[Json]:
        """Delete whatever a policy does not keep, and what an earlier deletion left behind."""
        self.finish(loop)
        state = self.operations.store.state(loop.name)
        judged = judge_retention(state, keep, self._originals(loop), now or self._present(loop, state))
        going = [(version, verdict) for version, verdict in judged.items() if verdict.name == DELETE]
        return [self._delete(loop, version, verdict, actor, now) for version, verdict in reversed(going)]

    def look(self, loop: Loop, now: Instant) -> None:
        """What control does after each look: the loop's own policy, where it has one; what fails is tried again."""
        self._forget_failed(loop)
        if loop.keep.everything:
            return
        try:
            for done in self.prune(loop, loop.keep, _POLICY, now):
                _LOG.info("%s of %s was deleted: %s", done["version"], loop.name, done["decision"]["reasons"][0])
        except HomeostatError as error:
            _LOG.warning("versions of %s are not deleted: %s %s", loop.name, error.problem, error.mend)

    def finish(self, loop: Loop) -> None:
        """Remove the files of versions that are deleted on record."""
        state = self.operations.store.state(loop.name)
        for version, standing in state.versions.items():
            if standing.name == "deleted" and (self.operations.home.versions / loop.name / version).exists():
                self._remove(loop, version)

    def _forget_failed(self, loop: Loop) -> None:
        """Nothing of a version that failed stays half registered, once the registry is there again."""
        for version, standing in self.operations.store.state(loop.name).versions.items():
            if standing.name == "failed":
                forget(self.registry, loop.name, version, JobFolder(self.operations.home.jobs / loop.name / version))

    def _delete(self, loop: Loop, version: str, verdict: Verdict, actor: str, now: Instant | None) -> Json:
        found, originals = self.operations.manifests.find(loop.name, version), self._originals(loop)
        facts = {} if found is None else {"manifest": plain(found.to_json())}
        told = self._decided(
            loop, lambda state, at: delete(state, version, verdict, facts, originals, now or at, actor)
        )
        self._remove(loop, version)
        return {"version": version, **told}

    def _remove(self, loop: Loop, version: str) -> None:
        """The local folder last: while it is there, the removal is not done."""
        self.registry.delete(loop.name, version)
        shutil.rmtree(self.operations.home.versions / loop.name / version, ignore_errors=True)

    def _present(self, loop: Loop, state: LoopState) -> Instant:
        return present(self.operations.days(loop.name), state.decided_until or 0)

    def _originals(self, loop: Loop) -> dict[str, str]:
        found = self.operations.manifests.all(loop.name)
        return {name: one.variant.of for name, one in found.items() if one.variant is not None}

    def _decided(self, loop: Loop, change: Callable[[LoopState, Instant], Transition]) -> Json:
        store = self.operations.store
        while True:
            state = store.state(loop.name)
            after, drafts = change(state, state.decided_until or 0)
            try:
                store.commit(state, after, drafts, ())
            except Conflict:
                continue
            entry = store.entry(drafts[0].id)
            assert entry is not None
            return {"decision": views.decision(entry)}
