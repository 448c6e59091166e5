"""From rows with a target to the plan of a loop and its history, in the form in which tables take it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from homeostat.adapters.polars.summaries import summarise
from homeostat.app.scaffold.cleaning import cleaned, is_id, names_for
from homeostat.app.scaffold.dates import counted_times, written_dates
from homeostat.app.scaffold.outcomes import must_be_enough, rare_told, spread_of, truth_of
from homeostat.app.scaffold.plan import TOLD_AT, Asked, Plan
from homeostat.app.scaffold.targets import outcomes_of, target_of
from homeostat.app.scaffold.times import DAY, Timed, times_of
from homeostat.data.checks import did_you_mean
from homeostat.data.inference import ColumnFacts, ProposedColumn, propose_column
from homeostat.kernel.clock import Instant, duration, format_duration
from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.training.checks import MIN_OF_CLASS

ROW = "row_id"
_MOST_TEXTS = 200
_REPEATS = 5
"""How often each text of a feature must stand there on average."""
_WORDS = 2
"""Gaps between words from which on a text is a sentence, and identifies nothing."""
_LEAST_DAYS, _HELD_DAYS, _HELD_SHARE = 8, 5, 0.2


@dataclass(frozen=True, slots=True)
class Past:
    """The plan of a loop, and the rows of its two tables."""

    plan: Plan
    questions: pl.DataFrame
    outcomes: pl.DataFrame


def past_of(rows: pl.DataFrame, asked: Asked, now: Instant) -> Past:
    """Infer everything that a loop on these rows needs, and bring them into its tables' form.

    Raises: InvalidInput that names the option which decides what the rows leave open; NotEnoughData for too few.
    """
    if not rows.height:
        raise InvalidInput(f"{asked.source} has no rows.", mend="Give a file with rows.", source=asked.source)
    names = names_for(rows.columns)
    frame, left_out, dated = _cleaned(rows, names, asked.time)
    asked = _in_new_names(asked, rows.columns, names, frame.columns)
    target, guessed = target_of(frame[str(asked.target)], asked.positive, asked.answers)
    frame = frame.with_columns(outcomes_of(frame[target.column], target))
    truth = truth_of(frame[target.column], target)
    matures = duration(asked.matures)
    timed = times_of(frame.drop(target.column), asked.time, truth, now, matures)
    frame = frame.with_columns(timed.times)
    frame, key, said = _with_key(frame, asked, target.column, timed)
    features, plain = _features(frame, target.column, key, timed.times.name)
    held_from, trained = _held_out(timed, truth, now, matures)
    must_be_enough(trained, target)
    kinds = {name: _facts(frame[name]).kind for name in key}
    plan = Plan(
        loop=asked.name,
        source=asked.source,
        rows=frame.height,
        labelled=int(truth.is_not_null().sum()),
        spread=spread_of(truth, target),
        key=tuple(kinds.items()),
        time=timed.times.name,
        target=target,
        features=features,
        matures=asked.matures,
        holdout=format_duration(-(-(now - matures - held_from) // DAY) * DAY),
        min_rows=_least_rows(len(trained)),
        assumed=(*guessed, *dated, *timed.assumed, *said, _maturity_told(asked), *rare_told(trained, target)),
        left_out={**left_out, **plain},
        renamed={old: new for old, new in names.items() if old != new},
    )
    return Past(plan, *_history(frame, plan, now))


def _cleaned(
    rows: pl.DataFrame, names: dict[str, str], time: str | None
) -> tuple[pl.DataFrame, dict[str, str], list[str]]:
    kept, left_out, dated = [], {}, []
    for old, new in names.items():
        found = cleaned(rows[old].alias(new))
        if found is None:
            left_out[new] = f"holds values of type {rows[old].dtype}, which no table takes"
            continue
        if found.dtype == pl.String and (dates := written_dates(found)):
            found, order = dates
            dated.append(f"Dates in {new!r} are read as {order}, in UTC.")
        elif found.dtype.is_numeric() and (times := counted_times(found, named=time in (old, new))):
            found, meaning = times
            dated.append(f"Numbers in {new!r} are read as times: {meaning}, in UTC.")
        kept.append(found)
    return pl.DataFrame(kept), left_out, dated


def _in_new_names(asked: Asked, old: Sequence[str], names: dict[str, str], kept: Sequence[str]) -> Asked:
    def found(option: str, name: str) -> str:
        new = names.get(name, name)
        if new not in kept:
            raise InvalidInput(
                f"{asked.source} has no column {name!r} for {option}.", mend=did_you_mean(name, old), column=name
            )
        return new

    if asked.target is None:
        raise InvalidInput(
            "Which column is to be predicted?",
            mend=f"Add --target with one of {', '.join(old[:20])}{' …' if len(old) > 20 else ''}.",
            columns=list(old),
        )
    time = None if asked.time is None else found("--time", asked.time)
    key = tuple(found("--key", name) for name in asked.key)
    return replace(asked, target=found("--target", asked.target), time=time, key=key)


def _with_key(
    frame: pl.DataFrame, asked: Asked, target: str, timed: Timed
) -> tuple[pl.DataFrame, tuple[str, ...], list[str]]:
    """What identifies a row: the named columns, with the time where they repeat; an id; else a number of its own."""
    if asked.key:
        if _unique(frame, asked.key):
            return frame, asked.key, []
        if timed.column and timed.column not in asked.key and _unique(frame, (*asked.key, timed.column)):
            key = (*asked.key, timed.column)
            return frame, key, [f"A row is identified by {' and '.join(key)}: {', '.join(asked.key)} alone repeats."]
        raise InvalidInput(
            f"{', '.join(asked.key)} is not unique, or missing in some row.",
            mend="Name columns that identify a row together, or leave --key out: rows are numbered then.",
            key=list(asked.key),
        )
    for name in sorted(frame.columns, key=lambda name: not is_id(name)):
        if name not in (target, timed.times.name) and _names_rows(frame[name]) and _unique(frame, (name,)):
            return frame, (name,), [f"A row is identified by {name!r}: it stands once in each."]
    name = ROW
    while name in frame.columns:
        name += "_"
    numbers = pl.Series(name, [f"row-{number}" for number in range(1, frame.height + 1)])
    return frame.with_columns(numbers), (name,), [f"No column identifies a row: {name!r} numbers them."]


def _unique(frame: pl.DataFrame, key: Sequence[str]) -> bool:
    some = frame.select(key)
    return not any(some[name].null_count() for name in key) and not bool(some.is_duplicated().any())


def _names_rows(column: pl.Series) -> bool:
    """A text may be an id by being unique, if it is no sentence; a number only by its name, as measurements may be."""
    if column.dtype == pl.String:
        return is_id(column.name) or not bool((column.str.count_matches(r"\s+") >= _WORDS).all())
    return column.dtype.is_integer() and is_id(column.name)


def _features(
    frame: pl.DataFrame, target: str, key: Sequence[str], time: str
) -> tuple[tuple[ProposedColumn, ...], dict[str, str]]:
    taken, left_out = [], {}
    for name in frame.columns:
        if name in (target, time, *key):
            continue
        facts = _facts(frame[name])
        why = _no_feature(facts)
        if why:
            left_out[name] = why
        else:
            taken.append(_softened(propose_column(facts)))
    if not taken:
        raise InvalidInput(
            f"Beside {target!r} no column is left that a model could learn from.",
            mend="Give a file with columns of numbers or of texts that repeat.",
            left_out=left_out,
        )
    return tuple(taken), left_out


def _no_feature(facts: ColumnFacts) -> str:
    if facts.kind == "instant":
        return "holds times"
    if not facts.distinct:
        return "is always empty"
    if facts.distinct == 1 and not facts.nulls:
        return "has one value only"
    if facts.kind == "text" and facts.distinct * _REPEATS > facts.rows - facts.nulls:
        return f"has {facts.distinct:,} different texts, which hardly repeat"
    if facts.kind == "text" and facts.distinct > _MOST_TEXTS:
        return f"has {facts.distinct:,} different texts, and {_MOST_TEXTS} are the most; group the rare ones to use it"
    return ""


def _softened(one: ProposedColumn) -> ProposedColumn:
    """What was merely seen warns: it refuses nobody until a person says so."""
    column = replace(one.column, matches=None)
    return replace(one, column=replace(column, verdict="warn") if column.low is not None else column)


def _facts(column: pl.Series) -> ColumnFacts:
    (found,) = summarise(pl.DataFrame(column).to_arrow())
    return found


def _held_out(timed: Timed, truth: pl.Series, now: Instant, matures: int) -> tuple[Instant, pl.Series]:
    """From when on rows are held out, the newest fifth of the days with matured outcomes or five; truths before it."""
    at = timed.times.dt.timestamp("us").to_numpy()
    known = truth.is_not_null().to_numpy() & (at + matures <= now)
    days = np.unique(at[known] // DAY)
    if days.size < _LEAST_DAYS:
        raise NotEnoughData(
            f"Rows with a known outcome are of {days.size} days; {_LEAST_DAYS} are the least to train and judge on.",
            mend="Give rows of more days; or, where the times say little, leave that column out of the file.",
            days=int(days.size),
        )
    held = max(_HELD_DAYS, round(_HELD_SHARE * days.size))
    first = int(days[-held]) * DAY
    return first, truth.filter(known & (at < first))


def _least_rows(trained: int) -> int:
    """Somewhat less than what there is: the loop must train on this."""
    return min(2_000, max(2 * MIN_OF_CLASS, trained * 4 // 5))


def _maturity_told(asked: Asked) -> str:
    return f"A row's outcome is known {asked.matures} after its time: say otherwise with --matures."


def _history(frame: pl.DataFrame, plan: Plan, now: Instant) -> tuple[pl.DataFrame, pl.DataFrame]:
    key = [name for name, _ in plan.key]
    names = list(dict.fromkeys([*key, plan.time, *(one.name for one in plan.features)]))
    questions = frame.select(names).sort(plan.time)
    told = (frame[plan.time].dt.timestamp("us") + duration(plan.matures)).clip(upper_bound=now)
    at: Any = told.cast(pl.Datetime("us", "UTC")).alias(TOLD_AT)
    outcomes = frame.select([*key, plan.target.column]).with_columns(at)
    return questions, outcomes.filter(pl.col(plan.target.column).is_not_null()).sort(TOLD_AT)
