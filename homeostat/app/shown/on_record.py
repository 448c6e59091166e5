"""What the stores of a home say by themselves: nothing of it needs the loop's file, which may be broken or gone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from homeostat.adapters.files.routes import route_age
from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.app.clocks import SystemClock
from homeostat.app.gateway.fleet import Fleet
from homeostat.app.shown import views
from homeostat.app.versioned_state.progress import Progress
from homeostat.app.versions.manifests import Manifests
from homeostat.data.checks import did_you_mean
from homeostat.governance.audit import audit, ends_wrongly
from homeostat.governance.noted import Noted, noted_problems
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import IntegrityError, InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeostat.app.home import Home
    from homeostat.control.state import LoopState

Json = dict[str, Any]
_LOG_BYTES, _LOG_LINES = 4_096, 8
"""How much of a training's log is shown while it runs."""


@dataclass(slots=True)
class OnRecord:
    """Reads one home. ``store`` and ``heads`` are its relational store and ledger heads."""

    home: Home
    store: SqlControlStore
    heads: HeadsFile
    manifests: Manifests

    @classmethod
    def open(cls, home: Home) -> Self:
        """Open the stores of a home."""
        heads = HeadsFile(home.ledger)
        return cls(home, SqlControlStore(Database(home.control_db), heads), heads, Manifests(home.versions))

    def loop_named(self, loop: str | None) -> str:
        """The loop that is meant, of those that the home was last started with, or that it still knows.

        Raises: NotFound; InvalidInput where it is not clear.
        """
        started: list[str] = list(self.home.told().get("definitions", ()))
        if loop is None and len(started) == 1:
            return started[0]
        if loop is None:
            mend = f"Name one: {', '.join(started)}." if started else "Start Homeostat first."
            raise InvalidInput(f"{len(started)} loops run in {self.home.root}.", mend=mend, loops=started)
        if loop not in started and self.store.state(loop).revision == 0:
            mend = did_you_mean(loop, started)
            raise NotFound(f"No loop {loop!r} was run in {self.home.root}.", mend=mend, loop=loop, loops=started)
        return loop

    def state(self, loop: str) -> LoopState:
        """Where a loop stands."""
        return self.store.state(loop)

    def route(self, loop: str) -> Json:
        """The route, how long ago it was written, and what every replica makes of it."""
        state, now = self.store.state(loop), SystemClock().now()
        return {
            "loop": loop,
            **views.route_of(state),
            "age_seconds": route_age(self.home.routes, loop, now),
            "replicas": views.replicas_of(self.fleet.replicas(), loop, now),
            "lagging": self.fleet.lagging(loop, state.route.generation),
        }

    def decisions(self, loop: str, after: int = 0) -> list[Json]:
        """Decisions after a place in the ledger, oldest first."""
        return [views.decision(entry) for entry in self.store.entries(loop, after=after)]

    def versions(self, loop: str) -> list[Json]:
        """Every version and its standing, newest first."""
        return views.versions_of(self.store.state(loop), self.manifests.all(loop))

    def activity(self, loop: str) -> Json | None:
        """What is under way, state that is put back or a retraining, and what it said last; None when nothing is."""
        state = self.store.state(loop)
        if state.restoring is not None:
            return views.restoring_activity(state.restoring, self._moved(loop))
        asked = state.retraining
        if asked is None:
            return None
        from homeostat.app.versions.steps import steps_under_way

        since = format_instant(asked.asked_at)
        said = self._said(loop, asked.version)
        return {
            "kind": "training",
            "step": (said[-1].partition(" s  ")[2] or said[-1])[:200] if said else "pinning the training set",
            "log": said,
            "since": since,
            "version": asked.version,
            "steps": steps_under_way(self.home, loop, asked.version),
        }

    def steps(self, loop: str, version: str) -> Json:
        """The steps by which a version was made, and what each cost. Raises: NotFound, IntegrityError."""
        from homeostat.app.versions.steps import steps_of

        return steps_of(self.home, loop, version, self.store.entries(loop))

    @property
    def fleet(self) -> Fleet:
        """The replicas that serve this home."""
        return Fleet(self.home)

    def verify_ledger(self, noted: Sequence[Noted] = ()) -> Json:
        """Check every entry, every signed head, the key of these, and ends that were noted elsewhere.

        Raises: IntegrityError where the key is gone.
        """
        key = self.heads.check_key()
        entries = self.store.entries()
        found = audit(entries, self.heads.read(), self.heads.signer)
        problems = [*key, *found.problems, *noted_problems(entries, noted)]
        return {
            "intact": not problems,
            "entries": found.entries,
            "heads": found.heads,
            "noted": len(noted),
            "problems": problems,
        }

    def ledger_head(self) -> Noted | None:
        """Where the ledger ends, to be noted where who can write here cannot; None before the first decision.

        Raises: IntegrityError where its end is not what was written and signed.
        """
        signed = self.heads.newest_sealed()
        entries = self.store.entries(after=signed.seq - 1 if signed else 0)
        if not entries and signed is None:
            return None
        if not entries or ends_wrongly(entries, signed):
            raise IntegrityError(
                "The ledger does not end as it was written: its end is not worth noting.",
                mend="See 'homeostat ledger verify' for what was changed.",
            )
        return Noted(entries[-1].seq, entries[-1].hash)

    def _moved(self, loop: str) -> str:
        return Progress(self.home.checkpoints / loop).told()

    def _said(self, loop: str, version: str) -> list[str]:
        """The last lines of a training's log; empty before it has one."""
        from homeostat.training.jobs import JobFolder

        try:
            with JobFolder(self.home.jobs / loop / version).log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_BYTES))
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return []
        return lines[-_LOG_LINES:] or ["starting"]
