"""Which versions and predictions some rows went into: by the very joins of training and serving."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.rows import INSTANT
from homeostat.app.lineage.depends import Lineage
from homeostat.app.lineage.impact import Affected, summed
from homeostat.app.lineage.marked import NamedRows, named_rows
from homeostat.app.prediction_log.reported import Reported
from homeostat.app.prediction_log.shaped import shaped_questions
from homeostat.control.loop import Loop
from homeostat.data.checks import did_you_mean
from homeostat.data.tables import SEQUENCE
from homeostat.features.offline import ASKED_AT, InMemoryEngine
from homeostat.features.reading import MARK, readers
from homeostat.features.views import View
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import HomeostatError, NotFound, Refused
from homeostat.registry.models import TrainingPin, Version
from homeostat.training.shaped import ShapedQuestions
from homeostat.training.training_set import LabelledQuestions, Sources, labelled_questions

Json = dict[str, Any]
Flags = npt.NDArray[np.bool_]
MOST_PREDICTIONS = 5_000_000
"""Predictions that are looked at one by one; about a gigabyte."""
_SAMPLE = 20
_TOLD = ["prediction_id", "version", "arm", "asked_at"]


def rows_of(lineage: Lineage, path: Path, table: str | None, loop: str | None = None) -> NamedRows:
    """The rows that a file names; of a table by its name, or of the only one that has these keys. Raises: NotFound."""
    loops = list(lineage.loops.values()) if loop is None else [lineage.loop(loop)]
    tables = {one.name: one for each in loops for one in each.tables}
    if table is not None and table not in tables:
        raise NotFound(f"No table {table!r} here.", mend=did_you_mean(table, tables), table=table)
    return named_rows(path, tables, table)


def impact_of_rows(lineage: Lineage, rows: NamedRows, loop: str | None = None) -> Json:
    """Where the rows went: training sets as questions, labels or features; predictions as question or features.

    Raises: Refused when more predictions could have read them than can be looked at.
    """
    names = [name for name, one in lineage.loops.items() if rows.table.name in {table.name for table in one.tables}]
    chosen = [name for name in names if loop in (None, name)]
    known = _known(lineage, rows)
    affected = [one for name in chosen for one in _of_loop(lineage, lineage.loop(name), rows, known)]
    return {
        "of": {"kind": "rows", "name": rows.table.name, "rows": len(rows.keys), "known": _distinct(rows, known)},
        **summed(lineage, affected),
    }


def _known(lineage: Lineage, rows: NamedRows) -> pa.Table:
    """Every fact of the named rows, with its event time and sequence."""
    names = list(dict.fromkeys([*rows.table.keys, rows.table.event_time, SEQUENCE]))
    if lineage.tables.version(rows.table.name) < 0:
        return pa.table({name: pa.array([], pa.int64()) for name in names})
    facts = lineage.tables.read(rows.table.name, columns=names)
    return facts.filter(pa.array(rows.among(facts)))


def _distinct(rows: NamedRows, known: pa.Table) -> int:
    """How many of the named rows there are."""
    return int(known.group_by(list(rows.table.keys)).aggregate([]).num_rows) if known.num_rows else 0


def _of_loop(lineage: Lineage, loop: Loop, rows: NamedRows, known: pa.Table) -> list[Affected]:
    views = [view for view in loop.feature_set.views if view.table.name == rows.table.name]
    answered = _answered(lineage, loop, rows, views, known)
    because = {
        name: _trained(lineage, loop, one, rows, views) if known.num_rows else []
        for name, one in lineage.versions(loop.name).items()
    }
    gone = ["its folder is not here: what it was trained on is not told"]
    return [
        Affected(loop.name, name, lineage.standing(loop.name, name), because.get(name, gone), answered.get(name, []))
        for name in dict.fromkeys([*because, *answered])
        if because.get(name) or name in answered
    ]


def _trained(lineage: Lineage, loop: Loop, version: Version, rows: NamedRows, views: Sequence[View]) -> list[str]:
    """In which roles they are in a version's training set, in words; also why that cannot be told."""
    pin = version.pin
    if rows.table.name not in pin.table_versions:
        return []

    def read(table: str, number: int, columns: Sequence[str]) -> pa.Table:
        return lineage.tables.read(table, version=number, columns=columns)

    try:
        sources = Sources(read, pin.table_versions, pin.sequence, pin.as_of, shaped=_shaped(lineage, loop, pin))
        asked = labelled_questions(loop.question, loop.label, sources)
        chosen = asked.asked_at < pin.cutoff
        if pin.since is not None:
            chosen &= asked.asked_at >= pin.since
        return [
            *_keyed(loop, version, rows, asked.where(chosen)),
            *_read(loop, version, rows, views, asked.where(chosen), sources),
        ]
    except HomeostatError as error:
        return [f"cannot be told: {error.problem}"]


def _shaped(lineage: Lineage, loop: Loop, pin: TrainingPin) -> ShapedQuestions | None:
    """The questions that the version left out because a prediction had shaped their label."""
    if pin.feedback is None:
        return None
    reported = Reported(lineage.tables, pin.sequence, pin.table_versions)
    return shaped_questions(lineage.log, loop, reported, pin.feedback.log_version)


def _keyed(loop: Loop, version: Version, rows: NamedRows, asked: LabelledQuestions) -> list[str]:
    """Training questions that are named, those whose label is, and whether reports of what callers did are."""
    found = []
    if loop.question.name == rows.table.name:
        count = int(rows.among(asked.asked).sum())
        found += [f"{count:,} of its training rows"] * (count > 0)
    if loop.label.table.name == rows.table.name and set(rows.table.keys) == set(loop.question.keys):
        count = int(rows.among(asked.asked).sum())
        found += [f"labels of {count:,} of its training rows"] * (count > 0)
    told = version.pin.feedback
    if told is not None and told.reported == rows.table.name and told.log_version >= 0:
        found.append("reports, by which training rows were left out or stand for others: not told row by row")
    return found


def _read(
    loop: Loop, version: Version, rows: NamedRows, views: Sequence[View], asked: LabelledQuestions, sources: Sources
) -> list[str]:
    """Views by which training rows have features of them."""
    same = [view for view in views if _same(version, view)]

    def facts(columns: Sequence[str]) -> pa.Table:
        stored = [name for name in columns if name != MARK]
        return rows.marked(sources.facts(rows.table.name, stored))

    read = readers(same, loop.question, asked.asked, facts, InMemoryEngine())
    found = [f"features of {int(each.sum()):,} training rows by {name}" for name, each in read.items() if each.any()]
    other = [view.name for view in views if view not in same and view.name in version.definitions]
    return found + [f"{name} was defined otherwise then: what it read is not told" for name in other]


def _same(version: Version, view: View) -> bool:
    return view.name in version.definitions and version.definitions[view.name].hash == view.hash


def _answered(
    lineage: Lineage, loop: Loop, rows: NamedRows, views: Sequence[View], known: pa.Table
) -> dict[str, list[Json]]:
    """By version, the predictions whose question is named, or whose features were made of named rows."""
    version, found = lineage.log.version(loop.name), list[pa.Table]()
    if version >= 0 and loop.question.name == rows.table.name:  # also a question that only its request told of
        asked = pc.field("key").isin(rows.texts)
        found.append(lineage.log.scan(loop.name, version).to_table(columns=_TOLD, filter=asked))
    if version >= 0 and views and known.num_rows:
        log = _log(lineage, loop, rows, views, known)
        found.append(log.filter(pa.array(_served(lineage, loop, rows, views, log))).select(_TOLD))
    if not any(part.num_rows for part in found):
        return {}
    both = pa.concat_tables(found)
    _, once = np.unique(both["prediction_id"].to_numpy(), return_index=True)
    return _by_version(both.take(once))


def _log(lineage: Lineage, loop: Loop, rows: NamedRows, views: Sequence[View], known: pa.Table) -> pa.Table:
    """Those that were asked when the rows could be seen. Raises: Refused for too many."""
    version = lineage.log.version(loop.name)
    times = known[rows.table.event_time].cast(INSTANT)
    where = pc.field("asked_at") >= pc.min(times)
    longest = [view.longest for view in views]
    if None not in longest:
        until = pc.max(times).cast(pa.int64()).as_py() + max(longest, default=0)  # type: ignore[type-var]
        where &= pc.field("asked_at") <= pa.scalar(until, INSTANT)
    data = lineage.log.scan(loop.name, version)
    if data.count_rows(filter=where) > MOST_PREDICTIONS:
        raise Refused(
            f"More than {MOST_PREDICTIONS:,} predictions of {loop.name!r} could have read these rows.",
            mend="Ask about rows of a shorter span of time, or about the table: homeostat impact TABLE@VERSION.",
            loop=loop.name,
        )
    entity = dict.fromkeys(f"q_{name}" for view in views for name in view.entity)
    wanted = [*_TOLD, "read_sequence", *entity]
    return data.to_table(columns=[name for name in wanted if name in data.schema.names], filter=where)


def _served(lineage: Lineage, loop: Loop, rows: NamedRows, views: Sequence[View], log: pa.Table) -> Flags:
    """By the definitions of the loop file; of a view that reads what the log hides, nothing is known."""
    asked = {name.removeprefix("q_"): log[name] for name in log.column_names if name.startswith("q_")}
    given = pa.table(
        {**asked, ASKED_AT: log["asked_at"].cast(INSTANT).cast(pa.int64()), SEQUENCE: log["read_sequence"]}
    )
    told = [view for view in views if set(view.entity) <= asked.keys() - loop.log.hidden]

    def facts(columns: Sequence[str]) -> pa.Table:
        return rows.marked(lineage.tables.read(rows.table.name, columns=[name for name in columns if name != MARK]))

    found = np.zeros(log.num_rows, dtype=bool)
    for each in readers(told, loop.question, given, facts, InMemoryEngine()).values():
        found |= each
    return found


def _by_version(log: pa.Table) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for version, arm in sorted({*zip(log["version"].to_pylist(), log["arm"].to_pylist(), strict=True)}):
        part = log.filter((pc.field("version") == version) & (pc.field("arm") == arm)).sort_by("asked_at")
        asked = part["asked_at"].cast(INSTANT).cast(pa.int64()).to_pylist()
        ids = part["prediction_id"].to_pylist()
        told = {"version": version, "arm": arm, "rows": len(ids), "predictions": len(ids)}
        told |= {"first": format_instant(asked[0]), "last": format_instant(asked[-1])}
        told |= {"first_id": ids[0], "last_id": ids[-1], "ids": ids[:: max(1, -(-len(ids) // _SAMPLE))]}
        found.setdefault(str(version), []).append(told)
    return found
