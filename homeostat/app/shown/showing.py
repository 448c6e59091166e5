"""What the pages and commands show beyond a loop's standing: its predictions, features and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.control.scoring import read_profile
from homeostat.app.features.feature_views import days_with, feature_of, features_of
from homeostat.app.gateway.consumers import Consumers
from homeostat.app.lineage.depends import Lineage
from homeostat.app.lineage.why import Why, as_served
from homeostat.app.prediction_log import predictions
from homeostat.app.prediction_log.explaining import explained
from homeostat.app.shown.distance_views import distances_of
from homeostat.app.shown.drift_views import chosen_day
from homeostat.app.tables.table_views import Volumes, columns_of, kept_apart_of, silences_of, uses_of
from homeostat.control.loop import Loop
from homeostat.data.checks import did_you_mean
from homeostat.data.profiles import ReferenceProfile
from homeostat.data.tables import Stored, Table
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import NotFound, Unavailable

Json = dict[str, Any]


def nothing_to_flush() -> None:
    """While nothing runs, everything acknowledged is where it will be read."""


@dataclass(slots=True)
class Showing:
    """Reads of one home that works whether or not an instance runs.

    ``flush`` puts what the recorder has acknowledged where it can be read, so that a prediction can be
    explained the moment it was served.
    """

    operations: Operations
    loops: Mapping[str, Loop]
    flush: Callable[[], object] = nothing_to_flush
    _log: DeltaTables = field(init=False)
    _tables: DeltaTables = field(init=False)
    _volumes: Volumes = field(init=False)
    lineage: Lineage = field(init=False)
    _why: Why = field(init=False)
    _stored: dict[str, Stored] = field(init=False, default_factory=dict)
    _profiles: dict[tuple[str, str], ReferenceProfile] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        home = self.operations.home
        self._log, self._tables = DeltaTables(home.log), DeltaTables(home.tables)
        self._volumes = Volumes(self._tables)
        self._why = Why(home, self.loops, self.operations.store, self.flush)
        self.lineage = Lineage(home, self.loops, self.operations.store, Consumers.open(home).store)

    def predictions(self, loop: str, limit: int, key: str | None = None) -> list[Json]:
        """The predictions recorded last, newest first; of one question when its key is given."""
        found = predictions.newest(self._log, self._loop(loop), limit, key)
        instants = ("asked_at", "served_at")
        return [
            {name: format_instant(int(value or 0)) if name in instants else value for name, value in one.items()}
            for one in found
        ]

    def prediction(self, loop: str, prediction_id: str, rows: int, feature: str | None = None) -> Json:
        """One prediction and how each of its features was made. Raises: NotFound."""
        meant = self._loop(loop)
        with suppress(Unavailable):  # with the recorder away, what was stored before can still be explained
            self.flush()
        served = as_served(self.operations.home, meant, predictions.find(self._log, meant, prediction_id))
        return explained(meant, self._tables, served, newest=rows, feature=feature)

    def why(self, prediction_id: str, now: Instant | None, loop: str | None, rows: int) -> Json:
        """Everything that made one prediction, of whichever loop it is. Raises: NotFound."""
        return self._why.told(prediction_id, now, loop=loop, rows=rows)

    def features(self, loop: str) -> list[Json]:
        """Every feature with its last drift and its recent shares."""
        meant, days = self._loop(loop), self.operations.days(loop)
        return features_of(meant, days, self._references(loop, days_with(days[-1:])))

    def feature(self, loop: str, name: str) -> Json:
        """One feature, day by day. Raises: NotFound."""
        meant, days = self._feature(loop, name), self.operations.days(loop)
        return feature_of(meant, name, days, self._references(loop, days_with(days)))

    def distances(self, loop: str, name: str, day: str | None = None) -> Json:
        """Every distance of a feature on a day, the newest unless told. Raises: NotFound."""
        meant, days = self._feature(loop, name), self.operations.days(loop)
        shown = chosen_day([one for one in days if one.inputs.counted], day)
        return distances_of(meant, name, days, self._references(loop, days_with([shown] if shown else [])), shown)

    @property
    def tables(self) -> dict[str, Table]:
        """Every table of every loop, by name."""
        return {table.name: table for loop in self.loops.values() for table in loop.tables}

    def table(self, name: str) -> Json:
        """A table's contract, uses, volume by event day, and silence and rows kept apart by day. Raises: NotFound."""
        tables = self.tables
        if name not in tables:
            raise NotFound(f"No table {name!r} here.", mend=did_you_mean(name, tables), table=name)
        table = tables[name]
        loop = next(loop for loop in self.loops.values() if table.name in {one.name for one in loop.tables})
        days = self.operations.days(loop.name)
        return {
            "key": list(table.keys),
            "event_time": table.event_time,
            "columns": columns_of(table),
            "uses": uses_of(table, self.loops),
            "disk": self._disk(name),
            "volume": self._volumes.by_day(table, loop.timezone),
            "silence": silences_of(table, days),
            "kept_apart": kept_apart_of(table, days),
        }

    def _disk(self, table: str) -> Json | None:
        """What a table takes on disk; looked at again when it has a new version. None before its first row."""
        version = self._tables.version(table)
        if version < 0:
            return None
        if table not in self._stored or self._stored[table].version != version:
            self._stored[table] = self._tables.describe(table)
        found = self._stored[table]
        compacted = None if found.compacted_at is None else format_instant(found.compacted_at)
        return {"bytes": found.bytes, "files": found.files, "versions": version + 1, "compacted_at": compacted}

    def _references(self, loop: str, versions: set[str]) -> dict[str, ReferenceProfile]:
        """The profiles of versions whose folder is there."""
        found = {}
        for version in versions:
            folder = self.operations.home.versions / loop / version
            if (loop, version) not in self._profiles and (folder / "profile.json").exists():
                self._profiles[loop, version] = read_profile(folder)
            if (loop, version) in self._profiles:
                found[version] = self._profiles[loop, version]
        return found

    def _feature(self, loop: str, name: str) -> Loop:
        """The loop that has a feature of that name."""
        meant = self._loop(loop)
        if name not in meant.feature_set.names:
            mend = did_you_mean(name, meant.feature_set.names)
            raise NotFound(f"Loop {loop!r} has no feature {name!r}.", mend=mend, feature=name)
        return meant

    def _loop(self, name: str) -> Loop:
        if name not in self.loops:
            raise NotFound(f"No loop {name!r} here.", mend=did_you_mean(name, self.loops), loop=name)
        return self.loops[name]
