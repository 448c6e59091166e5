"""The batch engine on Polars: every promise of a contract about every row in one pass over the columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from homeostat.adapters.polars.columns import instants, look
from homeostat.adapters.polars.conditions import broken
from homeostat.data.batches import BatchChecked, Broken, Figure, Promise
from homeostat.data.rules import BatchBound, RowRule, Unique, condition_of

if TYPE_CHECKING:
    from homeostat.data.contracts import Column
    from homeostat.data.tables import Table

_KEPT, _ROW = "#kept", "#row"


class PolarsBatches:
    """Checks batches in memory, on as many threads as Polars is given; has no state."""

    def check(self, table: Table, rows: pa.Table) -> BatchChecked:
        """Ask everything that ``table`` promises of ``rows``: types, values, rules over rows, figures of the batch.

        Columns that the contract lacks break every row, as they do in a request.
        """
        plan = _Plan(table, rows)
        figures = [one for one in table.rules if isinstance(one, BatchBound)]
        done = plan.run([one.column for one in figures if one.column])
        nothing = np.zeros(rows.num_rows, dtype=bool)
        found = [
            Broken(promise, done[mask].to_numpy() if done[mask].any() else nothing) for promise, mask in plan.masks
        ]
        kept = done[_KEPT]
        told = [_figure(one, done, kept) for one in figures]
        return BatchChecked(rows.num_rows, kept.to_numpy(), _together(found), told, plan.typed)


class _Plan:
    """The steps of one pass: columns first, then rules over rows that keep them, then uniqueness of what is left."""

    def __init__(self, table: Table, rows: pa.Table) -> None:
        self._table = table
        self._frame = pl.DataFrame({_ROW: np.arange(rows.num_rows, dtype=np.uint32)})
        if rows.num_columns:
            self._frame = self._frame.hstack(pl.DataFrame(pl.from_arrow(rows)))
        self.masks: list[tuple[Promise, str]] = []
        self._values: list[pl.Expr] = []
        self._broken: list[pl.Expr] = []
        for name, column in table.contract.items():
            self._read(name, column)
        for name in rows.column_names:
            if name not in table.contract:
                promise = Promise(name, "unknown_column", "quarantine", f"{name} is not sent")
                self._add(promise, pl.repeat(True, pl.len()))

    def run(self, columns: Sequence[str]) -> pl.DataFrame:
        """The masks of every row, and the values of some columns."""
        steps = self._frame.lazy().select(*self._values, *self._broken)
        steps = steps.with_columns(_good(self.masks).alias(_KEPT))
        steps = self._then(steps, [one for one in self._table.rules if isinstance(one, RowRule)])
        steps = self._then(steps, [one for one in self._table.rules if isinstance(one, Unique)])
        return steps.select(*dict.fromkeys(columns), _KEPT, *(mask for _, mask in self.masks)).collect()

    def typed(self) -> pa.Table:
        """The contract's columns in their stored kinds."""
        values = self._frame.select(*self._values)
        return values.to_arrow(compat_level=pl.CompatLevel.oldest())

    def _read(self, name: str, column: Column) -> None:
        given = self._frame.schema.get(name)
        if column.kind == "instant" and given == pl.String:
            read, said = instants(name, column, self._frame[name])
            self._values.append(pl.lit(read).alias(name))
            for promise, told in said:
                self._add(promise, pl.lit(told))
            return
        looked = look(name, column, given)
        self._values.append(looked.values.alias(name))
        for promise, mask in looked.promised:
            self._add(promise, mask)

    def _add(self, promise: Promise, mask: pl.Expr) -> None:
        place = f"#{len(self.masks)}"
        self.masks.append((promise, place))
        self._broken.append(mask.alias(place))

    def _then(self, steps: pl.LazyFrame, rules: Sequence[RowRule | Unique]) -> pl.LazyFrame:
        """Ask more of the rows that are good so far."""
        if not rules:
            return steps
        asked = [
            (Promise(None, one.reason, one.verdict, _said(one)), f"#{len(self.masks) + place}")
            for place, one in enumerate(rules)
        ]
        self.masks += asked
        masks = [(pl.col(_KEPT) & self._breaks(one)).alias(mask) for one, (_, mask) in zip(rules, asked, strict=True)]
        return steps.with_columns(*masks).with_columns((pl.col(_KEPT) & _good(asked)).alias(_KEPT))

    def _breaks(self, one: RowRule | Unique) -> pl.Expr:
        if isinstance(one, RowRule):
            return broken(condition_of(one, self._table))
        known = pl.all_horizontal(pl.col(name).is_not_null() for name in one.columns)
        if len(one.columns) == 1:
            return known & ~pl.when(_KEPT).then(one.columns[0]).is_first_distinct()
        return known & ~pl.struct(*one.columns, _KEPT).is_first_distinct()


def _good(masks: Sequence[tuple[Promise, str]]) -> pl.Expr:
    """Rows that break none of the promises but those that only warn."""
    hard = [mask for promise, mask in masks if promise.verdict != "warn"]
    return ~pl.any_horizontal(hard) if hard else pl.repeat(True, pl.len(), dtype=pl.Boolean)


def _said(one: RowRule | Unique) -> str:
    return one.condition if isinstance(one, RowRule) else f"{one.shown} once in a batch"


def _figure(one: BatchBound, done: pl.DataFrame, kept: pl.Series) -> Figure:
    """A figure of the rows that keep the contract; not defined on none."""
    if one.figure == "rows":
        return Figure(one, float(kept.sum()))
    values = done[str(one.column)].filter(kept)
    found = values.mean() if one.figure == "mean" else (values.null_count() / len(values) if len(values) else None)
    return Figure(one, None if found is None else float(found))  # type: ignore[arg-type]


def _together(found: Sequence[Broken]) -> list[Broken]:
    """Promises of one name as one: a bound of the kind and a bound that was declared."""
    joined: dict[tuple[str, str], Broken] = {}
    for one in found:
        key = one.promise.name, one.promise.verdict
        other = joined.get(key)
        joined[key] = one if other is None else Broken(one.promise, one.mask | other.mask)
    return list(joined.values())
