"""What the columns of many rows hold, for a contract to be proposed; and files of rows as they lie there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import polars as pl
import pyarrow as pa

from homeostat.data.contracts import Kind
from homeostat.data.inference import MOST_CATEGORIES, ColumnFacts
from homeostat.data.unreadable import not_as_named, of_no_kind
from homeostat.kernel.clock import parse_instant
from homeostat.kernel.errors import HomeostatError, NotFound

_SAMPLE = 1_000
_MOST_PAIRED = 6
_HEAD = 1 << 16
"""Bytes of a file that show how it writes its cells."""
_QUOTED = re.compile(r'"[^"]*"')
_DECIMAL = re.compile(r'"?[+-]?\d+,\d+"?')


def read_file(path: Path) -> pa.Table:
    """All rows of a CSV, Parquet or JSON-lines file, types as the file or its values say.

    Raises: NotFound without the file; InvalidInput when it cannot be read as what its name says.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", mend="Name an existing file.", file=str(path))
    try:
        return _read(path).to_arrow(compat_level=pl.CompatLevel.oldest())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise not_as_named(path, error) from error


def summarise(rows: pa.Table) -> list[ColumnFacts]:
    """What each column holds."""
    frame = pl.DataFrame(pl.from_arrow(rows)) if rows.num_columns else pl.DataFrame()
    return [_facts(frame[name]) for name in frame.columns]


def keys_of(rows: pa.Table, facts: Sequence[ColumnFacts]) -> list[tuple[str, ...]]:
    """Columns, or pairs of them, whose values stand once; single columns first."""
    if not rows.num_rows:
        return []
    possible = [one for one in facts if not one.nulls and one.kind in ("text", "integer", "instant", "boolean")]
    single = [(one.name,) for one in possible if one.distinct == one.rows and one.kind != "instant"]
    if single:
        return list(single)
    frame = pl.DataFrame(pl.from_arrow(rows.select([one.name for one in possible])))
    likely = sorted(possible, key=lambda one: -one.distinct)[:_MOST_PAIRED]
    pairs = [(a, b) for a, b in combinations(likely, 2) if a.distinct * b.distinct >= rows.num_rows]
    found = [
        pair for pair in pairs if not frame.select(pl.struct(*(p.name for p in pair)).is_duplicated().any()).item()
    ]
    places = {name: place for place, name in enumerate(rows.column_names)}
    return [tuple(sorted((a.name, b.name), key=places.__getitem__)) for a, b in found]


def _read(path: Path) -> pl.DataFrame:
    match path.suffix.lower():
        case ".csv":
            return _csv(path)
        case ".parquet":
            return pl.read_parquet(path)
        case ".jsonl" | ".ndjson":
            return pl.read_ndjson(path, infer_schema_length=None)
    raise of_no_kind(path)


def _csv(path: Path) -> pl.DataFrame:
    """Of commas, or as spreadsheets write it where the comma is in the numbers: of semicolons, or of tabs."""
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8", "replace").splitlines() or [""]
    names = _QUOTED.sub("", head[0])
    mark = max(",;\t", key=names.count)
    comma = mark != "," and any(_DECIMAL.fullmatch(cell) for line in head[1:] for cell in line.split(mark))
    return pl.read_csv(path, separator=mark, decimal_comma=comma, infer_schema_length=None, try_parse_dates=False)


def _facts(column: pl.Series) -> ColumnFacts:
    kind, note = _kind(column)
    nulls, distinct = column.null_count(), column.n_unique()
    distinct -= nulls > 0
    least = greatest = None
    if kind in ("number", "integer"):
        finite = column.drop_nulls().cast(pl.Float64)
        finite = finite.filter(finite.is_finite())
        least, greatest = finite.min(), finite.max()
    values: tuple[str, ...] = ()
    if kind == "text" and column.dtype == pl.String:
        kinds = column.drop_nulls().unique(maintain_order=True)
        values = tuple(kinds if distinct <= MOST_CATEGORIES else kinds.head(_SAMPLE))
    return ColumnFacts(column.name, kind, len(column), nulls, distinct, least, greatest, values, note)  # type: ignore[arg-type]


def _kind(column: pl.Series) -> tuple[Kind, str]:
    if column.dtype == pl.Boolean:
        return "boolean", ""
    if column.dtype.is_integer():
        return "integer", ""
    if column.dtype.is_numeric():
        return "number", ""
    if isinstance(column.dtype, pl.Datetime):
        if column.dtype.time_zone is None:
            return "instant", "its times have no time zone, and will be refused until they have"
        return "instant", ""
    if column.dtype == pl.String:
        return _kind_of_texts(column)
    return "text", f"is stored as {column.dtype}, which no contract takes; send it as a text or leave it out"


def _kind_of_texts(column: pl.Series) -> tuple[Kind, str]:
    sample = column.drop_nulls().unique(maintain_order=True).head(_SAMPLE)
    if not len(sample):
        return "text", "is always null"
    zoned = [_zoned(text) for text in sample]
    if all(zone is True for zone in zoned):
        return "instant", ""
    if all(zone is False for zone in zoned) and all(len(text) >= 10 for text in sample):
        return "text", "holds times without an offset; give them one, such as Z, and declare it as hs.instant()"
    return "text", ""


def _zoned(text: str) -> bool | None:
    """Whether a time has its offset; None for what is no time."""
    try:
        parse_instant(text)
    except HomeostatError as error:
        return False if "no offset" in error.problem else None
    return True
