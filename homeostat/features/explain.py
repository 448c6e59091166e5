"""How was this value made? For one question, the facts behind each feature, as they were known then.

Values are computed from the very rows that are listed, so an explanation is a recomputation: where it differs
from what was served, serving and offline disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from homeostat.data.contracts import Value
from homeostat.features.aggregates import facts_of, window_values
from homeostat.features.behind import Asked, Behind, Read, behind, is_silent
from homeostat.features.definitions import FeatureSet
from homeostat.features.timeline import NEVER
from homeostat.features.transforms import run_on_values
from homeostat.features.views import Feature, Latest, View, Window, describe
from homeostat.kernel.clock import Instant

Standing = Literal["counted", "empty", "corrected", "unknown", "older"]
How = Literal["question", "latest", "window", "transform"]
NEWEST = 20
"""How many rows an explanation lists unless asked for more."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fact that was in reach of a feature.

    ``standing``: it counted; it counted but its column is ``empty``; it was ``corrected`` by a fact accepted
    before the question; it was still ``unknown``, accepted after it; it is ``older`` than allowed.
    ``superseded_by`` is the sequence of the fact that replaced it, before or after the question.
    """

    values: Mapping[str, Value]
    event_time: Instant
    known_at: Instant | None
    sequence: int
    standing: Standing
    superseded_by: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One feature's value and what made it.

    ``rows`` are the newest, at most as many as asked for, of ``total`` in reach; ``counted`` of all these went
    into the value. ``since`` and ``until`` bound event time, None is the beginning; a window excludes ``since`` itself.
    ``defaulted`` says why the declared default stands here: the value was missing, or its source silent.
    ``inputs`` are what a transform was given, or the question's own column.
    """

    feature: str
    how: How
    definition: str
    value: Value
    table: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    entity: Mapping[str, Value] | None = None
    inputs: Mapping[str, Value] | None = None
    defaulted: Literal["missing", "silent"] | None = None
    rows: tuple[Row, ...] = ()
    counted: int = 0
    total: int = 0


def explain(features: FeatureSet, asked: Asked, read: Read, *, newest: int = NEWEST) -> list[Explanation]:
    """Every feature of one question, in order, recomputed from the rows it lists.

    Equal to ``point_in_time`` asked the same. A row older than the newest ``newest`` still counts; it is only
    not listed. Raises: InvalidInput when a table lacks a column.
    """
    found = {one.feature: one for one in _selected(features, asked)}
    for view in features.views:
        made = _latest(view, asked, read, newest) if isinstance(view, Latest) else _window(view, asked, read, newest)
        found.update((one.feature, one) for one in _filled(view, made, asked, read))
    columns: dict[str, Sequence[Value]] = {name: [one.value] for name, one in found.items()}
    run_on_values(features.transforms, features.taken, columns)
    for each in features.transforms:
        inputs = {name: columns[name][0] for name in each.arguments}
        definition = f"{each.name}({', '.join(each.arguments)})"
        found[each.name] = Explanation(each.name, "transform", definition, columns[each.name][0], inputs=inputs)
    return [found[name] for name in features.names]


def _filled(view: View, made: Iterable[Explanation], asked: Asked, read: Read) -> Iterable[Explanation]:
    """The same with the declared defaults where a value is missing or its source was silent."""
    silent = bool(view.default) and is_silent(view, asked, read)
    defaults = {feature.name: feature.default for feature in view.features}
    for one in made:
        default = defaults[one.feature]
        if default is None or not (silent or one.value is None):
            yield one
        else:
            yield replace(one, value=default, defaulted="silent" if silent else "missing")


def _selected(features: FeatureSet, asked: Asked) -> Iterable[Explanation]:
    for one in features.asked:
        given = asked.row.get(one.name)
        yield Explanation(
            one.name,
            "question",
            f"column of {features.question.name}",
            _value(one, given),
            until=asked.at,
            inputs={one.name: given},
        )


def _latest(view: Latest, asked: Asked, read: Read, newest: int) -> Iterable[Explanation]:
    """The newest fact known then, and every later one that did not count."""
    since = None if view.longest is None else asked.at - view.longest
    facts = behind(view, asked, read, since and since - 1)
    if since is not None and not facts.seen(asked.sequence).any():
        facts = behind(view, asked, read, None)  # then the fact that was too old is worth telling
    visible = np.flatnonzero(facts.seen(asked.sequence))
    chosen = int(visible[-1]) if len(visible) else -1
    too_old = chosen >= 0 and view.longest is not None and asked.at - int(facts.time[chosen]) > view.longest
    reach = slice(max(chosen, 0), len(facts))
    for column, feature in zip(view.columns, view.features, strict=True):
        value = None if chosen < 0 or too_old else facts.facts[column][chosen].as_py()
        yield Explanation(
            feature.name,
            "latest",
            describe(view),
            _value(feature, value),
            view.table.name,
            since,
            asked.at,
            _entity(view, asked),
            rows=_rows(facts, (column,), asked, reach, newest, older=too_old),
            counted=int(chosen >= 0 and not too_old),
            total=len(facts) - reach.start,
        )


def _window(view: Window, asked: Asked, read: Read, newest: int) -> Iterable[Explanation]:
    facts = behind(view, asked, read, asked.at - view.longest)
    visible = np.flatnonzero(facts.seen(asked.sequence))
    columns = [facts.facts[name].take(visible).to_pylist() for name in view.columns]
    values = window_values(view, facts_of(view, facts.time[visible].tolist(), columns), asked.at)
    ranges = [(name, length) for name in view.values for length in view.ranges]
    for (name, length), feature, value in zip(ranges, view.features, values, strict=True):
        reach = slice(int(np.searchsorted(facts.time, asked.at - length, side="right")), len(facts))
        reads = _columns_of(view, name)
        yield Explanation(
            feature.name,
            "window",
            describe(view),
            value,
            view.table.name,
            asked.at - length,
            asked.at,
            _entity(view, asked),
            rows=_rows(facts, reads, asked, reach, newest),
            counted=int(np.count_nonzero(visible >= reach.start)),
            total=len(facts) - reach.start,
        )


def _columns_of(view: Window, name: str) -> tuple[str, ...]:
    one = view.values[name]
    if one.condition is not None:
        return tuple(view.conditions[one.condition].columns)
    return () if one.column is None else (one.column,)


def _rows(
    facts: Behind, reads: Sequence[str], asked: Asked, reach: slice, newest: int, *, older: bool = False
) -> tuple[Row, ...]:
    """The newest facts within reach, newest first, each with what became of it."""
    begin = max(reach.start, reach.stop - newest)
    names = list(dict.fromkeys([*facts.table.keys, *reads]))
    places = range(begin, reach.stop)
    found = []
    for place, (values, known_at) in zip(places, facts.rows(places, names), strict=True):
        empty = any(values[name] is None for name in reads)
        died = int(facts.died[place])
        found.append(
            Row(
                values,
                int(facts.time[place]),
                known_at,
                int(facts.born[place]),
                _standing(facts, place, asked, older, empty),
                None if died == NEVER else died,
            )
        )
    return tuple(reversed(found))


def _standing(facts: Behind, place: int, asked: Asked, older: bool, empty: bool) -> Standing:
    if int(facts.born[place]) > asked.sequence:
        return "unknown"
    if int(facts.died[place]) <= asked.sequence:
        return "corrected"
    if older:
        return "older"
    return "empty" if empty else "counted"


def _entity(view: View, asked: Asked) -> dict[str, Value]:
    return {name: asked.row.get(name) for name in view.entity}


def _value(feature: Feature, value: Value) -> Value:
    if value is None or feature.kind == "text":
        return value
    return float(value)
