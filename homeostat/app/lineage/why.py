"""Why was this said: everything that made one prediction, from the rows behind it to who let its version in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.home import Home
from homeostat.app.lineage.arms import in_force, why_arm
from homeostat.app.lineage.attributing import attributed
from homeostat.app.lineage.decisions import decided_about, shown
from homeostat.app.lineage.signatures import signature_of
from homeostat.app.lineage.truth import truth_of
from homeostat.app.lineage.versions import code_of, version_of
from homeostat.app.loops.known import known_features
from homeostat.app.prediction_log.explaining import explained
from homeostat.app.prediction_log.predictions import Served, find
from homeostat.app.signing.trust import keyring
from homeostat.app.versions.manifests import Manifests
from homeostat.control.loop import Loop
from homeostat.control.state import ControlStore
from homeostat.data.checks import did_you_mean
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import NotFound, Unavailable

Json = dict[str, Any]


@dataclass(slots=True)
class Why:
    """Traces predictions of one home, whether or not an instance runs; reads the log first, the rest when found.

    ``flush`` puts what the recorder has acknowledged where it can be read.
    """

    home: Home
    loops: Mapping[str, Loop]
    store: ControlStore
    flush: Callable[[], object]
    _log: DeltaTables = field(init=False)
    _tables: DeltaTables = field(init=False)
    _manifests: Manifests = field(init=False)

    def __post_init__(self) -> None:
        self._log, self._tables = DeltaTables(self.home.log), DeltaTables(self.home.tables)
        self._manifests = Manifests(self.home.versions)

    def told(self, prediction_id: str, now: Instant | None, *, loop: str | None = None, rows: int = 20) -> Json:
        """The whole story of a prediction; of any loop's, unless one is named. Raises: NotFound."""
        with suppress(Unavailable):  # with the recorder away, what was stored before can still be traced
            self.flush()
        meant, served = self._found(prediction_id, loop)
        record, entries = {**served.record, "loop": meant.name}, self.store.entries(meant.name)
        state = self.store.state(meant.name)
        version, generation = str(record["version"]), int(record["generation"] or 0)
        decided = in_force(entries, generation)
        folder = self.home.versions / meant.name / version
        made = explained(meant, self._tables, served, newest=rows, since=False)
        at = state.decided_until or 0 if now is None else now
        return {
            "loop": meant.name,
            **made,
            "arm": {
                "arm": record["arm"],
                "because": why_arm(record, decided, _unit(meant, served)),
                "generation": generation,
                "decision": None if decided is None else shown(decided),
            },
            "version": {
                **version_of(self._manifests.find(meant.name, version), version, state, entries),
                "code": code_of(folder),
                "signature": signature_of(folder, meant.name, version, keyring(), entries),
            },
            "decisions": decided_about(entries, version),
            "attributions": attributed(folder, meant.name, version, served.features, prediction_id),
            "label": truth_of(self._tables, meant, served, at),
        }

    def _found(self, prediction_id: str, name: str | None) -> tuple[Loop, Served]:
        if name is not None and name not in self.loops:
            raise NotFound(f"No loop {name!r} here.", mend=did_you_mean(name, self.loops), loop=name)
        meant = [self.loops[name]] if name is not None else list(self.loops.values())
        for place, loop in enumerate(meant, start=1):
            try:
                return loop, as_served(self.home, loop, find(self._log, loop, prediction_id))
            except NotFound:
                if place == len(meant):
                    raise
        raise NotFound("There is no loop here.", mend="Name a loop file that makes one.")


def as_served(home: Home, loop: Loop, served: Served) -> Served:
    """With the features that it was served with: the log has columns for every feature that there ever was."""
    made_with = known_features(home, loop.name).get(str(served.record.get("definitions")))
    if made_with is None:
        return served
    return replace(served, features={name: served.features.get(name) for name in made_with.features})


def _unit(loop: Loop, served: Served) -> str | None:
    """What stays with its arm, as serving takes it; None where the log hides it."""
    if loop.unit is None:
        return str(served.record["key"])
    return None if loop.unit in loop.log.hidden else str(served.question.get(loop.unit))
