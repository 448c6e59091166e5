"""One table's facts on disk, in parts that each fit in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from homeostat.data.arrow import ds
from homeostat.data.checks import did_you_mean
from homeostat.data.contracts import Kind
from homeostat.data.tables import SEQUENCE, Table
from homeostat.features.columns import integers
from homeostat.features.offline import Source
from homeostat.features.stored import DIED
from homeostat.features.timeline import NEVER, Timeline, grouped, timeline
from homeostat.kernel.errors import InvalidInput

Array = npt.NDArray[Any]
_PART, _ROW = "_part", "_row"
_TYPES: dict[Kind, str] = {
    "text": "VARCHAR",
    "number": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "instant": "TIMESTAMPTZ",
}


class Parts:
    """Facts of ``table`` with the end of each, ready to be read by entity or by time.

    Names of tables and columns keep to small letters, digits and '_' (``Table`` sees to it), so quoting is safe.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection, folder: Path, table: Table, source: Source, number: int) -> None:
        self.number = number
        self._folder, self._splits = folder, count()
        self._db, self._table, self._names = db, table, source.schema.names
        self._given, self._ended = (_quoted(f"{what}_{table.name}") for what in ("given", "ended"))
        self._check([*table.keys, table.event_time, SEQUENCE])
        db.register(self._given.strip('"'), source)
        self._find_ends()

    def of_entity(
        self, entity: Sequence[str], columns: Iterable[str], asking: pa.Table
    ) -> Iterator[tuple[pa.Table, Array]]:
        """Per part its facts and the rows of ``asking`` about the same entities; every row comes once."""
        read = list(dict.fromkeys([*entity, self._table.event_time, *columns]))
        self._check(read)
        by = self._part_of(entity)
        folder = self._split(entity, read, by)
        placed = self._placed(asking, by)
        for part in range(self.number):
            rows = np.flatnonzero(placed == part)
            if len(rows):
                yield self._part(folder / f"{_PART}={part}", read), rows

    def between(self, first: int, last: int) -> Timeline:
        """The facts, as of one entity, that happened within these times, both included."""
        event_time = _quoted(self._table.event_time)
        found = self._read(
            f"SELECT epoch_us({event_time}) AS at, {SEQUENCE} AS born, {DIED} FROM {self._facts}"
            f" WHERE {event_time} BETWEEN make_timestamptz({first}) AND make_timestamptz({last})"
        )
        at, born = integers(found["at"], "at"), integers(found["born"], "born")
        died = found[DIED].fill_null(NEVER).to_numpy()
        return timeline(grouped(np.zeros(len(at), dtype=np.int64), at, born), died)

    @property
    def _facts(self) -> str:
        return f"{self._given} LEFT JOIN {self._ended} ON {SEQUENCE} = born"

    def _find_ends(self) -> None:
        """Per superseded fact the sequence that supersedes it; only keys that occur twice are looked at closely."""
        keys, again = _listed(self._table.keys), _quoted(f"again_{self._table.name}")
        self._db.execute(
            f"CREATE TEMP TABLE {again} AS SELECT hash({keys}) AS h FROM {self._given} GROUP BY h HAVING count(*) > 1"
        )
        self._db.execute(
            f"CREATE TEMP TABLE {self._ended} AS SELECT * FROM (SELECT {SEQUENCE} AS born,"
            f" lead({SEQUENCE}) OVER (PARTITION BY {keys} ORDER BY {SEQUENCE}) AS {DIED} FROM {self._given}"
            f" WHERE hash({keys}) IN (SELECT h FROM {again})) WHERE {DIED} IS NOT NULL"
        )

    def _split(self, entity: Sequence[str], columns: Sequence[str], by: str) -> Path:
        """The facts as files, a folder per part, so that reading one part reads nothing else."""
        folder = self._folder / f"{self._table.name}_{next(self._splits)}"
        known = " AND ".join(f"{_quoted(one)} IS NOT NULL" for one in entity)
        self._db.execute(
            f"COPY (SELECT {_listed(columns)}, {SEQUENCE}, {DIED}, {by} AS {_PART} FROM {self._facts} WHERE {known})"
            f" TO '{folder}' (FORMAT parquet, PARTITION_BY ({_PART}), COMPRESSION lz4, ROW_GROUP_SIZE 20480)"
        )
        return folder

    def _part(self, folder: Path, columns: Sequence[str]) -> pa.Table:
        if not folder.is_dir():  # no fact is about these entities
            return self._read(f"SELECT {_listed(columns)}, {SEQUENCE}, {DIED} FROM {self._facts} LIMIT 0")
        return ds.dataset(folder, format="parquet").to_table()

    def _placed(self, asking: pa.Table, by: str) -> Array:
        """The part of each question."""
        self._db.register("asking", asking.append_column(_ROW, pa.array(np.arange(asking.num_rows))))
        placed: Array = self._read(f"SELECT {by} AS {_PART} FROM asking ORDER BY {_ROW}")[_PART].to_numpy()
        self._db.unregister("asking")
        return placed

    def _check(self, names: Iterable[str]) -> None:
        where = f"Table {self._table.name!r}"
        for name in names:
            if name not in self._names:
                raise InvalidInput(
                    f"{where} has no column {name!r}.", mend=did_you_mean(name, self._names), column=name
                )

    def _part_of(self, entity: Sequence[str]) -> str:
        kinds = {name: _TYPES[self._table.contract[name].kind] for name in entity}
        cast = ", ".join(f"CAST({_quoted(name)} AS {kind})" for name, kind in kinds.items())
        return f"CAST(hash({cast}) % {self.number} AS INTEGER)"

    def _read(self, sql: str) -> pa.Table:
        return self._db.sql(sql).to_arrow_table()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(_quoted(name) for name in names)


def _quoted(name: str) -> str:
    return f'"{name}"'
