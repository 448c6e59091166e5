"""Moves predictions from the spools to their logs: each once, whoever is killed where."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.rows import log_of
from homeostat.adapters.files.spool_reader import Damage, SpoolReader
from homeostat.data.records import PredictionRecord
from homeostat.data.tables import TableStore
from homeostat.features.logged import Logged
from homeostat.kernel.errors import Conflict

SPOOL_WRITER = "spool"
"""The writer's name in a log's commits; with the folder's name behind it for the spool of a replica or a shadow."""
_RECORDS_AT_ONCE = 8_000
_LOG = logging.getLogger("homeostat.recorder")
Placed = tuple[int, PredictionRecord]
"""A record and its position in its spool."""


@dataclass(frozen=True, slots=True)
class LoggedLoop:
    """A loop as its prediction log needs it: what it is served with now, and was before, by hash."""

    name: str
    now: Logged
    known: Mapping[str, Logged] = field(default_factory=dict)

    def made_with(self, record: PredictionRecord) -> Logged:
        """What a record's features are. Raises: Conflict for features that nobody remembers."""
        if record.definitions in ("", self.now.hash):  # "": from before records told
            return self.now
        if record.definitions not in self.known:
            raise Conflict(
                f"Predictions of {self.name!r} wait to be stored that were made with features unknown here.",
                mend="Put the folder definitions/ of this home back.",
                loop=self.name,
                definitions=record.definitions,
            )
        return self.known[record.definitions]


@dataclass(slots=True)
class _Spool:
    """One spool: how far it is read, and where records stand that wait for their loop to be declared again."""

    writer: str
    reader: SpoolReader
    read: int = -1
    held: int | None = None

    @property
    def kept_from(self) -> int:
        """The position behind which records are still needed."""
        return self.read if self.held is None else self.held


class Predictions:
    """Drains every spool below a folder: the folder's own, from before replicas had names, and each one inside."""

    def __init__(self, folder: Path, log: TableStore, loops: Sequence[LoggedLoop]) -> None:
        self._folder, self._log = folder, log
        self._loops = {loop.name: loop for loop in loops}
        self._spools: dict[str, _Spool] = {}
        self._strange: set[str] = set()
        versions = {name: log.version(name) for name in self._loops}
        self.versions = {name: version for name, version in versions.items() if version >= 0}

    def drain(self) -> None:
        """Store what was acknowledged before this call.

        What comes while it works is for the next one, which else would never end while predictions are made.
        """
        for spool in self._all():
            while self._part(spool) >= _RECORDS_AT_ONCE:
                pass
            spool.reader.mark_drained(spool.kept_from)

    def waiting(self, loop: str) -> Iterator[PredictionRecord]:
        """What was acknowledged for a loop and may not be stored yet; from any thread, also while it is drained."""
        for folder in self._folders():
            known = self._spools.get(self._name(folder))
            at, reader = known.read if known else -1, SpoolReader(folder)
            while records := (part := reader.read(at, _RECORDS_AT_ONCE)).records:
                yield from (record for _, record in records if record.loop == loop)
                at = part.upto

    def _folders(self) -> list[Path]:
        return [self._folder, *sorted(path for path in self._folder.glob("*") if path.is_dir())]

    def _name(self, folder: Path) -> str:
        return "" if folder == self._folder else folder.name

    def _all(self) -> Iterator[_Spool]:
        for folder in self._folders():
            name = self._name(folder)
            if name not in self._spools:
                writer = f"{SPOOL_WRITER}/{name}" if name else SPOOL_WRITER
                self._spools[name] = _Spool(writer, SpoolReader(folder))
            yield self._spools[name]

    def _part(self, spool: _Spool) -> int:
        drained = spool.reader.read(spool.read, _RECORDS_AT_ONCE)
        for damage in drained.damage:
            self._say_damage(spool, damage)
        by_loop: dict[str, list[Placed]] = {}
        before = spool.read
        for place, record in drained.records:
            if record.loop in self._loops:
                by_loop.setdefault(record.loop, []).append((place, record))
            else:
                self._say_strange(record.loop)
                spool.held = before if spool.held is None else spool.held
            before = place
        for name, records in by_loop.items():
            self._append(name, spool.writer, records, drained.upto)
        spool.read = drained.upto
        if drained.records:
            spool.reader.delete_through(spool.kept_from)
            spool.reader.mark_drained(spool.kept_from)
        return len(drained.records)

    def _say_damage(self, spool: _Spool, damage: Damage) -> None:
        """What was skipped may have been acknowledged, and somebody may yet read it."""
        kept = spool.reader.keep_damaged(damage)
        _LOG.warning("%s segment %d: %s, kept in %s", spool.writer, damage.segment, damage, kept)

    def _append(self, name: str, writer: str, records: Sequence[Placed], upto: int) -> None:
        done = self._log.committed(name, writer)
        new = self._once(name, [(place, record) for place, record in records if place > done])
        if not new:
            return
        by_features: dict[str, list[Placed]] = {}
        made_with = {one.hash: one for one in (self._loops[name].made_with(record) for _, record in new)}
        for place, record in new:
            by_features.setdefault(record.definitions or self._loops[name].now.hash, []).append((place, record))
        parts = [log_of(made_with[one], placed) for one, placed in by_features.items()]
        rows = pa.concat_tables(parts, promote_options="default")
        self.versions[name] = self._log.append(name, rows, writer=writer, upto=upto)

    def _once(self, name: str, placed: Sequence[Placed]) -> Sequence[Placed]:
        """Each id once: of a request that was tried again, what the first try recorded stays."""
        keyed = [record.prediction_id for _, record in placed if record.keyed]
        if not keyed:
            return placed
        seen = set(logged(self._log, name, keyed, []))
        kept = []
        for place, record in placed:
            if not record.keyed or record.prediction_id not in seen:
                kept.append((place, record))
            seen.add(record.prediction_id)
        return kept

    def _say_strange(self, loop: str) -> None:
        if loop not in self._strange:
            self._strange.add(loop)
            _LOG.warning("predictions of loop %r wait: the loop file no longer declares it", loop)


def logged(log: TableStore, loop: str, ids: Sequence[str], fields: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    """Stored predictions of some ids, with some fields or all; ids are in the order of time, and so are the files."""
    if log.version(loop) < 0:
        return {}
    column = pc.field("prediction_id")
    among = (column >= min(ids)) & (column <= max(ids)) & column.isin(list(ids))
    columns = None if fields is None else ["prediction_id", *fields]
    return {row["prediction_id"]: row for row in log.read(loop, columns=columns, where=among).to_pylist()}
