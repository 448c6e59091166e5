"""Carries a rollback drill out: a copy of the champion serves for some seconds, and everyone goes back."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.control.scoring import answers_of
from homeostat.app.gateway.fleet import Followed
from homeostat.app.shown import views
from homeostat.app.signing.signer import sign
from homeostat.app.signing.trust import keyring
from homeostat.app.versions.runtimes import load_runtime
from homeostat.control.drills import DrillSeen, begin, filed, go_back
from homeostat.control.loop import Loop
from homeostat.control.state import LoopState
from homeostat.control.transitions import Transition
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, Refused
from homeostat.kernel.verdicts import Reason
from homeostat.monitoring.served import served_columns
from homeostat.registry.manifest import write_manifest
from homeostat.registry.sealed import open_sealed
from homeostat.serving.runtimes import answers

Json = dict[str, Any]
MOST_COMPARED = 5_000
"""Answers of the copy that are compared with the champion's, the last ones."""


@dataclass(slots=True)
class RollbackDrill:
    """One drill of one loop.

    ``flush`` puts everything acknowledged into the logs; ``seconds`` is how long the copy serves. In a replay, where
    predictions carry another time than the machine's, only the replicas are timed. ``because`` tells why, where nobody
    asked for it; ``stop`` ends it once it is set, and everyone goes back.
    """

    operations: Operations
    loop: Loop
    flush: Callable[[], object]
    actor: str
    seconds: float = 5.0
    replayed: bool = False
    because: tuple[Reason, ...] | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> Json:
        """Rehearse, measure and file. Raises: Refused while a rollout or another drill is open, or nobody serves."""
        state = self.operations.store.state(self.loop.name)
        champion = str(state.route.champion)
        copy = f"{champion}-drill"
        self._begin(state, copy)
        if not self.operations.fleet.replicas():
            mend = "Start it with 'homeostat up', then try again."
            raise Refused(f"No replica serves {self.loop.name!r}: there is nothing to rehearse.", mend=mend)
        self._copy(champion, copy)
        try:
            return self._rehearse(champion, copy)
        finally:
            shutil.rmtree(self._folder(copy), ignore_errors=True)

    def _rehearse(self, champion: str, copy: str) -> Json:
        try:
            forth = self._change(lambda state: self._begin(state, copy))
            self.stop.wait(self.seconds)
        finally:
            asked_at = SystemClock().now()
            back = self._back()
        self.flush()
        lagging = (*forth.lagging, *back.lagging)
        seen = self._seen(champion, copy, asked_at, dataclasses.replace(back, lagging=lagging))
        state = self.operations.store.state(self.loop.name)
        while True:
            after, drafts = filed(state, champion, seen, self._now(state), self.actor)
            try:
                self.operations.store.commit(state, after, drafts, ())
                break
            except Conflict:
                state = self.operations.store.state(self.loop.name)
        return {"decision": self.operations.decisions(self.loop.name)[-1], "route": views.route_of(state)}

    def _begin(self, state: LoopState, copy: str) -> Transition:
        return begin(state, copy, self._now(state), self.actor, self.because)

    def _back(self) -> Followed:
        """Go back to the champion, unless the drill never began or somebody ended it."""

        def back(state: LoopState) -> tuple[LoopState, tuple[()]]:
            return (state if state.drill is None else go_back(state)), ()

        return self._change(back)

    def _change(self, change: Callable[[LoopState], Any]) -> Followed:
        while True:
            state = self.operations.store.state(self.loop.name)
            after, drafts = change(state)
            try:
                state = self.operations.store.commit(state, after, drafts, ())
            except Conflict:
                continue
            self.operations.publish(self.loop.name)
            return self.operations.fleet.follow(self.loop.name, state.route.generation)

    def _seen(self, champion: str, copy: str, asked_at: Instant, back: Followed) -> DrillSeen:
        rows = self._answers(copy)
        worst, last = None, None
        if rows is not None and rows.num_rows:
            scored = load_runtime(self._folder(champion), self.loop.name, champion)
            kinds = dict(scored.inputs)
            columns: Mapping[str, Any] = served_columns(rows, kinds)
            said = np.array(answers(scored, scored.predict(columns), rows.num_rows))
            worst = float(np.max(np.abs(said - answers_of(rows, self.loop.task))))
            served = int(pc.max(rows["served_at"]).cast(pa.int64()).as_py())
            last = None if self.replayed else max(0.0, (served - asked_at) / 1e6)
        count = 0 if rows is None else rows.num_rows
        return DrillSeen(back.replicas, back.seconds, last, count, worst, back.lagging)

    def _answers(self, copy: str) -> pa.Table | None:
        log = DeltaTables(self.operations.home.log)
        if log.version(self.loop.name) < 0:
            return None
        rows = log.read(self.loop.name, where=pc.field("version") == copy)
        return rows.slice(max(0, rows.num_rows - MOST_COMPARED))

    def _copy(self, champion: str, copy: str) -> None:
        """The champion's files under another name: the same model, loaded as any other version is."""
        keys, folder = keyring(), self._folder(copy)
        sealed = open_sealed(self._folder(champion), self.loop.name, champion, keys)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in sealed.version.files:
            (folder / name).write_bytes(sealed.read(name))
        version = dataclasses.replace(sealed.version, version=copy)
        write_manifest(version, folder)
        sign(version, folder, keys)

    def _folder(self, version: str) -> Any:
        return self.operations.home.versions / self.loop.name / version

    def _now(self, state: LoopState) -> Instant:
        return state.decided_until or 0 if self.replayed else SystemClock().now()
