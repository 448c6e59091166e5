"""Rows that somebody names by their keys, in a file: which facts they are, and all facts of their table with a mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.rows import TYPES
from homeostat.adapters.files.tabular import TabularFile
from homeostat.data.checks import Fault, parser_of
from homeostat.data.contracts import Value
from homeostat.data.tables import Table
from homeostat.features.reading import MARK
from homeostat.kernel.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

Flags = np.ndarray[Any, np.dtype[np.bool_]]
MOST = 1_000_000
_FORM = "Give a CSV, Parquet or JSON-lines file with the key columns of one table; other columns are not looked at."


@dataclass(frozen=True)
class NamedRows:
    """Keys of rows of one table, each once, in the order of its key columns."""

    table: Table
    keys: tuple[tuple[Value, ...], ...]

    @cached_property
    def texts(self) -> list[str]:
        """The keys as a prediction log keeps those of questions."""
        return [self.table.key_of(dict(zip(self.table.keys, one, strict=True))) for one in self.keys]

    def among(self, facts: pa.Table) -> Flags:
        """Which facts have one of the keys; ``facts`` hold the key columns as stored."""
        if len(self.table.keys) > 1:
            return np.asarray(self._index(facts).isin(self._index(self._columns())), dtype=bool)
        (name,) = self.table.keys
        kind = TYPES[self.table.contract[name].kind]
        values = pa.array([key for (key,) in self.keys], kind)
        return np.asarray(pc.is_in(facts[name].cast(kind), value_set=values), dtype=bool)

    def marked(self, facts: pa.Table) -> pa.Table:
        """The same facts with the mark."""
        return facts.append_column(MARK, pa.array(self.among(facts).astype(np.float64)))

    def _columns(self) -> pa.Table:
        kinds = [TYPES[self.table.contract[name].kind] for name in self.table.keys]
        columns = zip(*self.keys, strict=True)
        return pa.table({n: pa.array(list(c), k) for n, c, k in zip(self.table.keys, columns, kinds, strict=True)})

    def _index(self, rows: pa.Table) -> pd.MultiIndex:
        import pandas as pd

        return pd.MultiIndex.from_frame(rows.select(list(self.table.keys)).to_pandas())


def named_rows(path: Path, tables: Mapping[str, Table], name: str | None = None) -> NamedRows:
    """The rows that a file names, of the table that is named, or of the only one whose key columns it has.

    Raises: NotFound without the file; InvalidInput where it names no table's keys, or a value that is no key.
    """
    kinds = {column: one.kind for table in tables.values() for column, one in table.contract.items()}
    file = TabularFile(path, kinds)
    table = _table_of(file, tables, name)
    parse = [parser_of(table.contract[one]) for one in table.keys]
    found: dict[tuple[Value, ...], None] = {}
    for rows, _ in file.chunks():
        for row in rows:
            found[_key(path, table, parse, row)] = None
        if len(found) > MOST:
            raise InvalidInput(f"{path} names more than {MOST:,} rows.", mend="Ask about a part of them at a time.")
    if not found:
        raise InvalidInput(f"{path} names no row.", mend=_FORM, file=str(path))
    return NamedRows(table, tuple(found))


def _table_of(file: TabularFile, tables: Mapping[str, Table], name: str | None) -> Table:
    if name is not None:
        return tables[name]
    columns = file.columns
    if columns is None:
        rows, _ = next(iter(file.chunks()), ([], 0))
        columns = list(rows[0]) if rows and isinstance(rows[0], dict) else []
    fits = [table for table in tables.values() if set(table.keys) <= set(columns)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        names = ", ".join(sorted(table.name for table in fits))
        mend = f"Name the table, such as 'homeostat impact {fits[0].name} --rows {file.path}'."
        raise InvalidInput(f"{file.path} may name rows of {names}.", mend=mend, file=str(file.path))
    keys = "; ".join(f"{table.name}: {', '.join(table.keys)}" for table in tables.values())
    raise InvalidInput(f"{file.path} has the key of no table.", mend=f"{_FORM} Keys: {keys}.", file=str(file.path))


def _key(path: Path, table: Table, parse: Sequence[Any], row: Any) -> tuple[Value, ...]:
    if not isinstance(row, dict) or not set(table.keys) <= row.keys():
        raise InvalidInput(f"{path} has a row without {', '.join(table.keys)}.", mend=_FORM, file=str(path))
    try:
        return tuple(read(row[name]) for read, name in zip(parse, table.keys, strict=True))
    except Fault as fault:
        problem = f"{path} names a row of {table.name!r} whose key {fault.problem}"
        raise InvalidInput(problem, mend=fault.mend, file=str(path)) from fault
