"""The table store on Delta Lake: one commit per append, on disk before it counts."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as fs
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from homeostat.adapters.delta.failures import files_told, translated
from homeostat.adapters.delta.having import Having
from homeostat.adapters.delta.upkeep import describe, small_files, vacuum
from homeostat.data.arrow import ds
from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Value
from homeostat.data.tables import POSITION, SEQUENCE, Stored, Vacuumed
from homeostat.kernel.errors import Conflict, NotFound

_LOG = logging.getLogger("homeostat.tables")
_TARGET_BYTES = 64 * 1024 * 1024
_TOGETHER = WriterProperties(max_row_group_size=65_536)
"""Rows of a merged file that are read together: few, so that finding one row of ten million reads little else."""
_ORDERS = ((SEQUENCE,), (POSITION, "prediction_id"))
"""By what facts, and predictions, are put in the order in which they were accepted; two spools may share a position."""


@dataclass(slots=True)
class _Open:
    """A table held open, which saves reading its log for each append, and its files' statistics for each read."""

    delta: DeltaTable
    schema: pa.Schema
    commits: int = 0
    seen: tuple[int, ds.Dataset] | None = None


class DeltaTables:
    """Keeps tables in sub-folders of ``folder``; appends to different tables may run in parallel threads.

    Every append is flushed to disk before it returns, so what fed it may be forgotten. Small files are
    merged once there are ``compact_every``. ``sought`` names the columns by which rows of a table are looked for:
    only of these do files keep statistics, which every read goes through; of all where it gives None.
    """

    def __init__(
        self, folder: Path, *, compact_every: int = 32, sought: Callable[[str], Collection[str] | None] | None = None
    ) -> None:
        self._folder, self._compact_every = folder, compact_every
        self._sought = sought or (lambda _: None)
        self._held: dict[str, _Open] = {}
        self._locks: dict[str, threading.RLock] = {}

    def append(self, table: str, rows: pa.Table, *, writer: str, upto: int) -> int:
        """Add rows in one commit; skipped when ``writer`` has committed ``upto`` before.

        Returns: the version that holds them. Raises: Conflict when a stored column has another kind;
        Unavailable when the disk refuses (nothing of it is then visible).
        """
        with self._lock(table), translated(table):
            held = self._hold(table, rows.schema)
            if _committed(held.delta, writer) >= upto:
                return held.delta.version()
            merge: Literal["merge"] | None = "merge" if _widens(table, held.schema, rows.schema) else None
            done = CommitProperties(app_transactions=[Transaction(writer, upto)])
            write_deltalake(held.delta, rows, mode="append", schema_mode=merge, commit_properties=done)
            self._sync(table, held.delta.version())
            if merge:
                held.schema = _schema(held.delta)
            held.commits += 1
            if held.commits >= self._compact_every:
                self.compact(table)
            return held.delta.version()

    def committed(self, table: str, writer: str) -> int:
        """The greatest ``upto`` of this writer; -1 when there is none."""
        with self._lock(table), translated(table, "opened"):
            delta = self._newest(table)
            return -1 if delta is None else _committed(delta, writer)

    def version(self, table: str) -> int:
        """The newest version; -1 when the table does not exist."""
        with self._lock(table):
            delta = self._newest(table)
            return -1 if delta is None else delta.version()

    def read(
        self,
        table: str,
        *,
        version: int | None = None,
        columns: Sequence[str] | None = None,
        where: pc.Expression | Mapping[str, Value] | None = None,
    ) -> pa.Table:
        """Rows of a version, in the order of acceptance; only the columns and files asked for are read.

        Raises: NotFound for no such table, version or column, or a file that is gone; IntegrityError for a damaged one.
        """
        with self._lock(table):
            delta = self._hold(table, None).delta if version is None else self._at(table, version)
            dataset = self._newest_dataset(table) if version is None else self._dataset(delta, table)
            having = Having(delta, dataset, where) if isinstance(where, Mapping) else None
        names = dataset.schema.names if columns is None else list(columns)
        for name in [*names, *(where if isinstance(where, Mapping) else ())]:
            if name not in dataset.schema.names:
                mend = did_you_mean(name, dataset.schema.names)
                raise NotFound(f"Table {table!r} stores no column {name!r}.", mend=mend)
        ordered = next((keys for keys in _ORDERS if keys[0] in dataset.schema.names), ())
        order = [name for name in ordered if name in dataset.schema.names]
        extra = [name for name in order if name not in names]
        with files_told(table, self._path(table), lambda: self._vacuumed(table, version)):
            if having is not None:
                found = having.rows([*names, *extra])
            else:
                found = dataset.to_table(columns=[*names, *extra], filter=where)
        return (_in_order(found, order) if order else found).select(names)

    def newest(self, table: str, column: str) -> pa.Scalar | None:
        """The greatest value of a column in the newest version, whose order is not asked for; None without any.

        Raises: NotFound for a file that is gone; IntegrityError for a damaged one.
        """
        with self._lock(table):
            if self._newest(table) is None:
                return None
            dataset = self._newest_dataset(table)
        with files_told(table, self._path(table), lambda: self._vacuumed(table, None)):
            found = pc.max(dataset.to_table(columns=[column])[column])
        return found if found.is_valid else None

    def scan(self, table: str, version: int, *, coded: Sequence[str] = ()) -> ds.Dataset:
        """A version where it lies, for what reads it in parts; texts that are ``coded`` come as numbers of names.

        Raises: NotFound for no such table or version.
        """
        with self._lock(table):
            return self._dataset(self._at(table, version), table, coded)

    def columns(self, table: str) -> list[str]:
        """The stored columns of the newest version. Raises: NotFound when nothing is stored."""
        with self._lock(table):
            return list(_schema(self._hold(table, None).delta).names)

    def compact(self, table: str) -> None:
        """Merge small files; what is read, and every older version, stays the same."""
        with self._lock(table), translated(table):
            held = self._hold(table, None)
            before = held.delta.version()
            done = held.delta.optimize.compact(
                target_size=_TARGET_BYTES, max_concurrent_tasks=1, writer_properties=_TOGETHER
            )
            if held.delta.version() > before:
                _LOG.info("compacted %s: %d files into %d", table, done["numFilesRemoved"], done["numFilesAdded"])
                self._sync(table, held.delta.version())
            held.commits = 0

    def vacuum(self, table: str, keep: Collection[int], *, hours: int, dry_run: bool) -> Vacuumed:
        """Remove files that neither the newest version nor one to ``keep`` needs, let go ``hours`` ago or earlier."""
        with self._lock(table), translated(table):
            held = self._hold(table, None)
            before = held.delta.version()
            found = vacuum(held.delta, self._path(table), keep, hours, dry_run)
            for version in range(before + 1, held.delta.version() + 1):
                self._sync(table, version)
            return found

    def describe(self, table: str) -> Stored:
        """What a table takes on disk. Raises: NotFound when nothing is stored for it."""
        with self._lock(table), translated(table):
            return describe(self._hold(table, None).delta, self._path(table))

    def _newest_dataset(self, table: str) -> ds.Dataset:
        held = self._hold(table, None)
        if held.seen is None or held.seen[0] != held.delta.version():
            held.seen = (held.delta.version(), self._dataset(held.delta, table))
        return held.seen[1]

    def _dataset(self, delta: DeltaTable, table: str, coded: Sequence[str] = ()) -> ds.Dataset:
        how = ds.ParquetReadOptions(dictionary_columns=list(coded))
        return delta.to_pyarrow_dataset(filesystem=_local(self._path(table)), parquet_read_options=how)

    def _vacuumed(self, table: str, version: int | None) -> NotFound:
        newest = self.version(table)
        if version in (None, newest):
            problem = f"A file of table {table!r} is missing."
            mend = "Read it again: it was being tidied up. If it stays missing, put the folder back from a copy."
        else:
            problem = f"Version {version} of table {table!r} has been vacuumed."
            mend = f"Only what a registered version was trained on is kept, and the newest, {newest}."
        return NotFound(problem, mend=mend, table=table, newest=newest)

    def _path(self, table: str) -> Path:
        return self._folder / table

    def _lock(self, table: str) -> threading.RLock:
        return self._locks.setdefault(table, threading.RLock())

    def _hold(self, table: str, schema: pa.Schema | None) -> _Open:
        """The open table as of now; made with ``schema`` when it does not exist."""
        delta = self._newest(table)
        if delta is None:
            if schema is None:
                raise _no_table(table, self._folder)
            path = self._path(table)
            path.mkdir(parents=True, exist_ok=True)
            how = _configuration(schema, self._sought(table))
            self._held_open(table, DeltaTable.create(path, schema, configuration=how))
            self._sync(table, 0)
        return self._held[table]

    def _newest(self, table: str) -> DeltaTable | None:
        held = self._held.get(table)
        with translated(table, "opened"):
            if held is None:
                try:
                    return self._held_open(table, DeltaTable(self._path(table)))
                except TableNotFoundError:
                    return None
            held.delta.update_incremental()
            return held.delta

    def _held_open(self, table: str, delta: DeltaTable) -> DeltaTable:
        self._held[table] = _Open(delta, _schema(delta), small_files(delta, _TARGET_BYTES))
        return delta

    def _at(self, table: str, version: int) -> DeltaTable:
        newest = self._newest(table)
        if newest is not None and newest.version() == version:
            return newest
        try:
            return DeltaTable(self._path(table), version=version)
        except TableNotFoundError as error:
            raise _no_table(table, self._folder) from error
        except (DeltaError, ValueError) as error:
            mend = f"The newest version is {self.version(table)}."
            raise NotFound(f"Table {table!r} has no version {version}.", mend=mend) from error

    def _sync(self, table: str, version: int) -> None:
        """Force a commit and the files it adds to disk, the commit last."""
        path = self._path(table)
        entry = path / "_delta_log" / f"{version:020d}.json"
        added = [json.loads(line).get("add") for line in entry.read_bytes().splitlines() if line]
        for item in filter(None, added):
            _sync(path / unquote(item["path"]))
        for place in (path, entry, entry.parent, *([path.parent] if version == 0 else [])):
            _sync(place)


def _configuration(schema: pa.Schema, sought: Collection[str] | None) -> dict[str, str]:
    # A pinned training set must stay readable for ever, so the log of old versions is never cleaned away.
    told = {"delta.enableExpiredLogCleanup": "false"}
    if sought is not None:
        told["delta.dataSkippingStatsColumns"] = ",".join(name for name in schema.names if name in sought)
    return told


def _local(path: Path) -> fs.FileSystem:
    """Arrow's own file access: Delta Lake's calls Python from threads, which abort when the interpreter has ended."""
    return fs.SubTreeFileSystem(str(path), fs.LocalFileSystem())


def _committed(delta: DeltaTable, writer: str) -> int:
    found = delta.transaction_version(writer)
    return -1 if found is None else found


def _schema(delta: DeltaTable) -> pa.Schema:
    return pa.schema(delta.schema().to_arrow())


def _widens(table: str, stored: pa.Schema, given: pa.Schema) -> bool:
    """Whether the two differ in columns; a column that differs in kind cannot be stored."""
    for field in given:
        at = stored.get_field_index(field.name)
        if at >= 0 and not _alike(stored.field(at).type, field.type):
            raise Conflict(
                f"Table {table!r} stores {field.name!r} as {stored.field(at).type}, not {field.type}.",
                mend="Give the column its old kind back, or a new name.",
                table=table,
                column=field.name,
            )
    return set(stored.names) != set(given.names)


def _alike(stored: pa.DataType, given: pa.DataType) -> bool:
    texts = (pa.string(), pa.large_string(), pa.string_view())
    return stored == given or (stored in texts and given in texts)


def _in_order(rows: pa.Table, by: Sequence[str]) -> pa.Table:
    places = rows[by[0]].to_numpy()
    if bool((places[1:] > places[:-1]).all()):
        return rows
    return rows.sort_by([(name, "ascending") for name in by])


def _no_table(table: str, folder: Path) -> NotFound:
    present = [item.name for item in folder.iterdir()] if folder.is_dir() else []
    mend = f"It exists once its first row is stored. {did_you_mean(table, present)}"
    return NotFound(f"Nothing is stored for {table!r}.", mend=mend, table=table)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
