"""Rows as they lie in files, made fit for a table: names, empty texts, numbers among texts, times."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

import polars as pl

_WRONG = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST = 60
_TIMES = ("%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.fZ")
_LOCAL_TIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")
_UTC = pl.Datetime("us", "UTC")


def names_for(columns: Iterable[str]) -> dict[str, str]:
    """The name that each column takes: small letters, digits and '_', no word of Python's, each once.

    >>> names_for(["Total Charges", "customerID", "class", "a b", "a_b"])
    {'Total Charges': 'total_charges', 'customerID': 'customer_id', 'class': 'class_', 'a b': 'a_b', 'a_b': 'a_b_2'}
    """
    found: dict[str, str] = {}
    for column in columns:
        name = _WRONG.sub("_", _HUMP.sub("_", column).lower()).strip("_")[:_LONGEST]
        if not name or not name[0].isalpha():
            name = f"column_{name}".rstrip("_")
        if keyword.iskeyword(name):
            name += "_"
        taken, number, free = set(found.values()), 2, name
        while free in taken:
            free, number = f"{name}_{number}", number + 1
        found[column] = free
    return found


def is_id(name: str) -> bool:
    """Whether a column's name says that it identifies rows."""
    return name in ("id", "key", "uuid") or name.endswith(("_id", "_key", "_no", "_uuid"))


def cleaned(column: pl.Series) -> pl.Series | None:
    """A column as a contract can take it, empty texts and what is no finite number as null; None for what it cannot.

    A text column that holds numbers and nothing else becomes one of numbers.
    """
    kind = column.dtype
    if kind == pl.Boolean or kind.is_integer():
        return column
    if kind.is_numeric():
        numbers = column.cast(pl.Float64)
        return numbers.set(~numbers.is_finite().fill_null(True), None)
    if kind == pl.Date:
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if isinstance(kind, pl.Datetime):
        return column.cast(_UTC) if kind.time_zone else column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if kind in (pl.String, pl.Categorical, pl.Enum):
        return _texts(column.cast(pl.String))
    return None


def _texts(column: pl.Series) -> pl.Series:
    texts = column.str.strip_chars()
    texts = texts.set(texts.is_in([""]).fill_null(False), None)
    if texts.null_count() == len(texts):
        return texts
    for cast in (pl.Int64, pl.Float64):
        numbers = texts.cast(cast, strict=False)
        if numbers.null_count() == texts.null_count() and not _padded(texts):
            return numbers
    return texts


def _padded(texts: pl.Series) -> bool:
    """Codes such as 00501 are no numbers."""
    return bool(texts.str.contains(r"^-?0\d").any())


def times_in(column: pl.Series) -> tuple[pl.Series, bool] | None:
    """A column's times in UTC, and whether they said which offset they have; None where it holds none.

    Times without an offset are taken to be UTC's. Dates are midnights.
    """
    if isinstance(column.dtype, pl.Datetime):
        return column, True
    if column.dtype != pl.String or not column.drop_nulls().head(1).str.contains(r"^\d{4}-\d{2}-\d{2}").any():
        return None
    for form in _TIMES:
        if (found := _parsed(column, form)) is not None:
            return found.cast(_UTC) if found.dtype.time_zone else found.dt.replace_time_zone("UTC"), True  # type: ignore[attr-defined]
    for form in _LOCAL_TIMES:
        if (found := _parsed(column, form)) is not None:
            return found.dt.replace_time_zone("UTC"), False
    dates = column.str.to_date("%Y-%m-%d", strict=False)
    if dates.null_count() == column.null_count():
        return dates.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"), False
    return None


def _parsed(column: pl.Series, form: str) -> pl.Series | None:
    found = column.str.to_datetime(form, strict=False, time_unit="us")
    return found if found.null_count() == column.null_count() else None
