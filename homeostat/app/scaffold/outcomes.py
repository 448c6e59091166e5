"""The outcomes in rows of the past: what is true of each, how they are spread, and whether they are enough."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from homeostat.app.scaffold.plan import Target
from homeostat.data.contracts import Column
from homeostat.data.expressions import compile_condition
from homeostat.data.tables import Table
from homeostat.kernel.errors import NotEnoughData
from homeostat.training.checks import MIN_OF_CLASS

_FEWEST_RUNS = 0.5


def truth_of(column: pl.Series, target: Target) -> pl.Series:
    """Each row's truth: whether the label is true, the number, or the class; null where it is unknown."""
    if target.answers != "binary":
        return column.alias("truth")
    table = Table("t", "k", "a", {"k": Column("text"), "a": Column("instant"), target.column: Column(target.kind)})
    values = np.array(column.to_list(), dtype=object)
    held = compile_condition(target.condition, table).evaluate({target.column: values})
    return pl.Series("truth", held).fill_nan(None).cast(pl.Boolean)


def spread_of(truth: pl.Series, target: Target) -> dict[str, float]:
    """Rows by outcome; of numbers the least, the median and the greatest."""
    known = truth.drop_nulls()
    if target.answers == "regression":
        numbers = known.cast(pl.Float64).to_numpy()
        return {"least": float(numbers.min()), "median": float(np.median(numbers)), "greatest": float(numbers.max())}
    names = target.classes or ("true", "false")
    values = known if target.classes else known.replace_strict({True: "true", False: "false"}, return_dtype=pl.String)
    counts = dict(values.value_counts().iter_rows())
    return {name: int(counts.get(name, 0)) for name in names}


def spread_told(spread: Mapping[str, float], target: Target) -> str:
    """The same in words.

    >>> spread_told({"true": 30, "false": 70}, Target("left", "boolean", "left"))
    'true in 30'
    """
    if target.answers == "regression":
        return f"from {spread['least']:,.6g} to {spread['greatest']:,.6g}, half of them below {spread['median']:,.6g}"
    if target.answers == "binary":
        return f"true in {spread['true']:,}"
    return ", ".join(f"{name} in {count:,}" for name, count in spread.items())


def must_be_enough(trained: pl.Series, target: Target) -> None:
    """Raises: NotEnoughData where rows to train on hold too few of an outcome, or nothing that differs."""
    rows, spread = len(trained), spread_of(trained, target) if len(trained) else {}
    mend = "Give more rows, or look whether the target is the column you mean."
    if target.answers == "binary":
        for outcome in ("true", "false"):
            if (count := spread.get(outcome, 0)) < MIN_OF_CLASS:
                raise NotEnoughData(
                    f"Of {rows} rows to train on, the target is {outcome} in {count}; {MIN_OF_CLASS} are the least.",
                    mend=mend,
                    rows=rows,
                )
    elif target.answers == "multiclass":
        if (enough := sum(count >= MIN_OF_CLASS for count in spread.values())) < 2:
            raise NotEnoughData(
                f"Of {rows} rows to train on, {enough} class has {MIN_OF_CLASS} or more; two are the least.",
                mend=mend,
                rows=rows,
                classes=spread,
            )
    elif rows < 2 * MIN_OF_CLASS or trained.n_unique() < 2:
        raise NotEnoughData(
            f"There are {rows} rows to train on, with {trained.n_unique()} different numbers;"
            f" {2 * MIN_OF_CLASS} rows that differ are the least.",
            mend=mend,
            rows=rows,
        )


def rare_told(trained: pl.Series, target: Target) -> list[str]:
    """Which classes have hardly a row to learn from."""
    rare = [name for name, count in spread_of(trained, target).items() if count < MIN_OF_CLASS]
    if target.answers != "multiclass" or not rare:
        return []
    return [f"Of {', '.join(rare)} there are fewer than {MIN_OF_CLASS} rows to train on: they will hardly be told."]


def is_sorted_by(truth: pl.Series) -> bool:
    """Whether numbers stand in order, or outcomes in far fewer runs than chance would give (Wald and Wolfowitz, 1940).

    >>> is_sorted_by(pl.Series([False] * 50 + [True] * 50)), is_sorted_by(pl.Series([1.5, 0.5, 2.5]))
    (True, False)
    """
    known = truth.drop_nulls()
    if len(known) < 2:
        return False
    if known.dtype.is_numeric():
        return known.is_sorted() or known.is_sorted(descending=True)
    shares = np.array(known.value_counts()["count"].to_list()) / len(known)
    expected = 1 + len(known) * (1 - float(np.square(shares).sum()))
    values = known.to_numpy()
    return 1 + int(np.count_nonzero(values[1:] != values[:-1])) < _FEWEST_RUNS * expected
