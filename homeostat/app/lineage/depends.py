"""What depends on data, definitions and versions: read from a home, whether or not an instance runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.home import Home
from homeostat.app.lineage.graph import graph_of
from homeostat.app.lineage.usage import Usage
from homeostat.app.versions.manifests import Manifests
from homeostat.control.loop import Loop
from homeostat.control.state import ControlStore
from homeostat.data.checks import did_you_mean
from homeostat.governance.consumers import Consumer, ConsumerStore
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import NotFound
from homeostat.registry.models import Version

Json = dict[str, Any]


@dataclass(slots=True)
class Lineage:
    """Everything that impact and the graph are read from."""

    home: Home
    loops: Mapping[str, Loop]
    store: ControlStore
    consumers: ConsumerStore
    log: DeltaTables = field(init=False)
    tables: DeltaTables = field(init=False)
    usage: Usage = field(init=False)
    _manifests: Manifests = field(init=False)

    def __post_init__(self) -> None:
        self.log, self.tables = DeltaTables(self.home.log), DeltaTables(self.home.tables)
        self.usage, self._manifests = Usage(self.log), Manifests(self.home.versions)

    def graph(self, name: str, version: str | None = None) -> Json:
        """The lineage of a version, by default of the champion, else of the newest here. Raises: NotFound."""
        loop, state = self.loop(name), self.store.state(name)
        known = self.versions(name)
        newest = max(known.values(), key=lambda one: one.number).version if known else None
        chosen = version or (state.route.champion if state.route.champion in known else newest)
        told = {"loop": name, "version": chosen, "versions": self._named(name, known)}
        if chosen is None:
            return {**told, "nodes": [], "edges": []}
        found = graph_of(
            self.version(name, chosen),
            label=loop.label.table.name,
            entries=self.store.entries(name),
            usage=self.usage.of(name),
            readers=self.readers(name),
        )
        return {**told, **plain(found)}

    def loop(self, name: str) -> Loop:
        """A loop of this home. Raises: NotFound."""
        if name not in self.loops:
            raise NotFound(f"No loop {name!r} here.", mend=did_you_mean(name, self.loops), loop=name)
        return self.loops[name]

    def versions(self, loop: str) -> dict[str, Version]:
        """Every version whose folder is here, oldest first."""
        found = self._manifests.all(loop)
        return dict(sorted(found.items(), key=lambda item: item[1].number))

    def version(self, loop: str, name: str) -> Version:
        """One of them. Raises: NotFound."""
        known = self.versions(loop)
        if name not in known:
            mend = did_you_mean(name, known)
            raise NotFound(f"No version {name!r} of {loop!r} is here.", mend=mend, loop=loop, version=name)
        return known[name]

    def readers(self, loop: str) -> list[Consumer]:
        """Who is registered as reading its predictions."""
        return [one for one in self.consumers.list() if one.loop == loop]

    def standing(self, loop: str, version: str) -> str | None:
        """What a version is to its loop now."""
        found = self.store.state(loop).versions.get(version)
        return found.name if found else None

    def _named(self, loop: str, known: Mapping[str, Version]) -> list[Json]:
        return [{"version": name, "state": self.standing(loop, name)} for name in reversed(list(known))]
