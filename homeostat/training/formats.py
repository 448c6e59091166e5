"""How outputs of steps are told apart and kept: canonical JSON and Arrow files; nothing is pickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from homeostat.kernel.canonical import canonical_json, digest, plain

if TYPE_CHECKING:
    from homeostat.training.rows import TrainingRows
    from homeostat.training.training_set import LabelledQuestions, LabelledRows

_LABEL, _ASKED_AT, _SEQUENCE, _STANDS_FOR, _FEATURE = "_label", "_asked_at", "_rows_sequence", "_stands_for", "x_"


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Values:
    """Values with a canonical JSON form, that of their own ``to_json`` where they have one; ``revived`` reads it."""

    revived: Callable[[Any], Any] = _as_it_is
    kept: bool = True

    def identity(self, value: Any, key: str) -> str:
        """The hash of the canonical form."""
        return digest(_told(value))

    def rows(self, value: Any) -> int | None:
        """None: values are no rows."""
        return None

    def write(self, value: Any, file: Path) -> None:
        """As canonical JSON."""
        file.write_bytes(canonical_json(_told(value)))

    def read(self, file: Path) -> Any:
        """Revived from JSON; None stays None."""
        told = json.loads(file.read_bytes())
        return None if told is None else self.revived(told)


@dataclass(frozen=True, slots=True)
class Measured(Values):
    """Values that were measured with a clock, and are others every time: known by their step's key."""

    def identity(self, value: Any, key: str) -> str:
        """The step's key."""
        return key


@dataclass(frozen=True, slots=True)
class Tabular:
    """Values that are rows, by their Arrow form; with ``kept`` off they are made again, where that is cheaper."""

    told: Callable[[Any], pa.Table]
    revived: Callable[[pa.Table], Any]
    kept: bool = True
    counted: bool = True

    def identity(self, value: Any, key: str) -> str:
        """The hash of every value, in order, however it lies in memory."""
        return table_hash(self.told(value))

    def rows(self, value: Any) -> int | None:
        """As many as the table has; None where these are no rows of data."""
        return int(self.told(value).num_rows) if self.counted else None

    def write(self, value: Any, file: Path) -> None:
        """As an Arrow file."""
        table = self.told(value)
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)

    def read(self, file: Path) -> Any:
        """The very values. Raises: OSError or ValueError for a damaged file."""
        with pa.OSFile(str(file), "rb") as source:
            return self.revived(pa.ipc.open_file(source).read_all())


@dataclass(frozen=True, slots=True)
class Passing:
    """What cannot be written down, such as an estimator: known by what made it, and made again when needed."""

    kept: bool = False

    def identity(self, value: Any, key: str) -> str:
        """What made it: the same inputs, files and variables make the same."""
        return key

    def rows(self, value: Any) -> int | None:
        """Unknown."""
        return None

    def write(self, value: Any, file: Path) -> None:
        """Never asked for."""
        raise TypeError

    def read(self, file: Path) -> Any:
        """Never asked for."""
        raise TypeError


def table_hash(table: pa.Table) -> str:
    """SHA-256 of names, types and values in order; what lies under a null, or how rows lie in chunks, is none of it."""
    found = hashlib.sha256()
    for name in table.column_names:
        column = table[name].combine_chunks()
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        found.update(canonical_json([name, str(column.type), len(column)]))
        if column.null_count:
            _update(found, pc.is_valid(column))
            column = column.drop_null()
        _update(found, column)
    return found.hexdigest()


def _update(found: Any, column: pa.Array) -> None:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    with pa.ipc.new_stream(_Sink(found), pa.schema([("", column.type)])) as writer:
        writer.write_batch(pa.record_batch([column], names=[""]))


class _Sink:
    """Takes what is written into a hash."""

    closed = False

    def __init__(self, found: Any) -> None:
        self.write = found.update

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held."""


def _told(value: Any) -> Any:
    return value.to_json() if hasattr(value, "to_json") else plain(value)


def _arrow(values: NDArray[Any]) -> pa.Array:
    return pa.array(values, pa.string() if values.dtype == object else None)


def _rows_told(value: LabelledRows) -> pa.Table:
    own = {_LABEL: value.label, _ASKED_AT: value.asked_at, _SEQUENCE: value.sequence, _STANDS_FOR: value.stands_for}
    return pa.table({**own, **{f"{_FEATURE}{name}": _arrow(one) for name, one in value.columns.items()}})


def _rows_revived(found: pa.Table) -> LabelledRows:
    from homeostat.training.training_set import LabelledRows  # takes pandas with it

    own = (found[name].to_numpy() for name in (_LABEL, _ASKED_AT, _SEQUENCE, _STANDS_FOR))
    names = [name for name in found.column_names if name.startswith(_FEATURE)]
    return LabelledRows({name[len(_FEATURE) :]: found[name].to_numpy() for name in names}, *own)


def _training_told(value: TrainingRows) -> pa.Table:
    own = {_LABEL: value.label, _ASKED_AT: value.asked_at}
    if value.stands_for is not None:
        own[_STANDS_FOR] = value.stands_for
    features = {f"{_FEATURE}{name}": _arrow(one.to_numpy()) for name, one in value.features.items()}
    return pa.table({**own, **features})


def _training_revived(found: pa.Table) -> TrainingRows:
    import pandas as pd

    from homeostat.training.rows import TrainingRows  # takes pandas with it

    names = [name for name in found.column_names if name.startswith(_FEATURE)]
    columns = {name[len(_FEATURE) :]: found[name].to_numpy() for name in names}
    frame = pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in columns.items()})
    stands_for = found[_STANDS_FOR].to_numpy() if _STANDS_FOR in found.column_names else None
    return TrainingRows(frame, found[_LABEL].to_numpy(), found[_ASKED_AT].to_numpy(), stands_for)


def _questions_told(value: LabelledQuestions) -> pa.Table:
    own = pa.table({_LABEL: value.label, _ASKED_AT: value.asked_at, _STANDS_FOR: value.stands_for})
    return pa.table([*value.asked.columns, *own.columns], names=[*value.asked.column_names, *own.column_names])


def _questions_revived(found: pa.Table) -> LabelledQuestions:
    from homeostat.training.training_set import LabelledQuestions  # takes pandas with it

    names = (_LABEL, _ASKED_AT, _STANDS_FOR)
    return LabelledQuestions(found.drop_columns(names), *(found[name].to_numpy() for name in names))


def _files_told(value: Mapping[str, bytes]) -> pa.Table:
    return pa.table({"name": pa.array(value, pa.string()), "content": pa.array(value.values(), pa.large_binary())})


def _files_revived(found: pa.Table) -> dict[str, bytes]:
    return dict(zip(found["name"].to_pylist(), found["content"].to_pylist(), strict=True))


def _scores_told(value: NDArray[np.float64]) -> pa.Table:
    if value.ndim == 1:
        return pa.table({"score": value})
    return pa.table({"score": pa.FixedSizeListArray.from_arrays(value.ravel(), value.shape[1])})


def _scores_revived(found: pa.Table) -> NDArray[np.float64]:
    column = found["score"].combine_chunks()
    if pa.types.is_fixed_size_list(column.type):
        return np.asarray(column.flatten().to_numpy().reshape(-1, column.type.list_size), dtype=np.float64)
    return np.asarray(column.to_numpy(), dtype=np.float64)


ROWS = Tabular(_rows_told, _rows_revived)
PARTS = Tabular(_rows_told, _rows_revived, kept=False)
"""Some of rows that are kept already."""
CHOSEN = Tabular(_training_told, _training_revived)
"""``TrainingRows`` as a step of the user's returned them."""
QUESTIONS = Tabular(_questions_told, _questions_revived)
FILES = Tabular(_files_told, _files_revived, counted=False)
SCORES = Tabular(_scores_told, _scores_revived)
VALUES = Values()
PASSING = Passing()
