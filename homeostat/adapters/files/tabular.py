"""Rows of CSV, Parquet and JSON-lines files, some thousand at a time, as a producer would send them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from homeostat.data.contracts import Kind
from homeostat.data.texts import reader_of
from homeostat.data.unreadable import not_as_named, of_no_kind
from homeostat.kernel.errors import InvalidInput, NotFound

Rows = list[Any]
SUFFIXES = (".csv", ".parquet", ".jsonl", ".ndjson")
"""What is read, by the end of its name."""
_AT_ONCE = 10_000
_BLOCK = 4 * 1024 * 1024


class TabularFile:
    """One file of rows, read as a stream however large it is.

    ``columns`` are those that the file names, or None for JSON lines, where every row names its own.
    Raises: NotFound without the file; InvalidInput when it cannot be read as what its name says.
    """

    def __init__(self, path: Path, kinds: Mapping[str, Kind]) -> None:
        if not path.is_file():
            raise NotFound(f"There is no file {path}.", mend="Name an existing file.", file=str(path))
        self.path, self._kinds = path, kinds
        self.size = path.stat().st_size
        self._read = dict(zip(SUFFIXES, (_csv, _parquet, _lines, _lines), strict=True)).get(path.suffix.lower())
        if self._read is None:
            raise of_no_kind(path)
        if not self.size:
            raise InvalidInput(f"{path} is empty.", mend="Give a file with rows.", file=str(path))
        self.columns = self._columns()

    def digest(self) -> str:
        """SHA-256 of the file's bytes."""
        found = hashlib.sha256()
        with self.path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                found.update(block)
        return found.hexdigest()

    def chunks(self) -> Iterator[tuple[Rows, int]]:
        """Rows in the order of the file, each time with the bytes read so far (for Parquet, of its rows)."""
        assert self._read is not None
        try:
            yield from self._read(self.path, self._kinds)
        except (pa.ArrowInvalid, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise not_as_named(self.path, error) from error

    def _columns(self) -> list[str] | None:
        try:
            if self.path.suffix.lower() == ".csv":
                names = list(_csv_names(self.path))
            elif self.path.suffix.lower() == ".parquet":
                names = list(pq.ParquetFile(self.path).schema_arrow.names)
            else:
                return None
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            raise not_as_named(self.path, error) from error
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InvalidInput(f"{self.path} names {twice[0]!r} twice.", mend="Name each column once.")
        return names


def _csv_names(path: Path) -> list[str]:
    with pa_csv.open_csv(path, read_options=pa_csv.ReadOptions(block_size=_BLOCK)) as stream:
        return list(stream.schema.names)


def _csv(path: Path, kinds: Mapping[str, Kind]) -> Iterator[tuple[Rows, int]]:
    """Everything is read as text, so that no guess at a type decides what a value is; an empty field is null."""
    names = _csv_names(path)
    readers = [reader_of(kinds.get(name, "text")) for name in names]
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    with (
        path.open("rb") as source,
        pa_csv.open_csv(source, read_options=pa_csv.ReadOptions(block_size=_BLOCK), convert_options=convert) as stream,
    ):
        for block in stream:
            for start in range(0, block.num_rows, _AT_ONCE):
                part = block.slice(start, _AT_ONCE)
                columns = [list(map(read, part.column(place).to_pylist())) for place, read in enumerate(readers)]
                yield [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)], source.tell()


def _parquet(path: Path, kinds: Mapping[str, Kind]) -> Iterator[tuple[Rows, int]]:
    file = pq.ParquetFile(path)
    total, size, read = max(1, file.metadata.num_rows), path.stat().st_size, 0
    for batch in file.iter_batches(_AT_ONCE):
        columns = [_as_sent(column) for column in batch.columns]
        read += batch.num_rows
        names = batch.schema.names
        yield [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)], size * read // total


def _as_sent(column: pa.Array) -> list[Any]:
    """Values as JSON would carry them; a time without zone stays without, for the contract to refuse."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        zone = "Z" if column.type.tz else ""
        utc = column.cast(pa.timestamp("us", tz="UTC" if zone else None), safe=False)
        column = pc.strftime(utc, format=f"%Y-%m-%dT%H:%M:%S{zone}")
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    return list(column.to_pylist())


def _lines(path: Path, kinds: Mapping[str, Kind]) -> Iterator[tuple[Rows, int]]:
    decode = msgspec.json.Decoder().decode
    rows: Rows = []
    done = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            done += len(line)
            if not line.strip():
                continue
            try:
                rows.append(decode(line))
            except msgspec.DecodeError as error:
                raise msgspec.DecodeError(f"line {number}: {error}") from error
            if len(rows) == _AT_ONCE:
                yield rows, done
                rows = []
    if rows:
        yield rows, done
