"""Checks of a change on data alone: contracts against recent rows, features online and offline, leakage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.polars.batches import PolarsBatches
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.app.ci.material import Material, newest
from homeostat.app.features.audit import audit_features
from homeostat.app.tables.contracts import judge_contracts
from homeostat.app.tables.facts_check import declared_facts
from homeostat.data.contracts import Value
from homeostat.data.tables import SEQUENCE, Table
from homeostat.features.columns import integers
from homeostat.features.offline import ASKED_AT, point_in_time
from homeostat.features.online import Batch, Row, read_features
from homeostat.features.parity import compare
from homeostat.governance.ci import FAIL, PASS, UNKNOWN, Check, judge_parity
from homeostat.kernel.clock import to_datetime
from homeostat.kernel.errors import Refused
from homeostat.kernel.verdicts import INCONCLUSIVE, SUSPICIOUS
from homeostat.kernel.words import plural
from homeostat.monitoring.served import reach_of
from homeostat.stats.arrays import Integers
from homeostat.training.audit import AuditLimits

RECENT = 20_000
"""Rows of a table, the newest, that a changed contract is tried on."""
_AUDITED = 20_000
_COMPARED = 200
_BATCH = 20_000


def contracts(material: Material) -> Check:
    """The changed contracts take in what came lately, and break nothing that is live."""
    wrong, told = [], []
    for table in material.loop.tables:
        if table.name not in material.sources.table_versions:
            told.append(f"{table.name} holds nothing yet")
            continue
        facts = newest(declared_facts(table, material.sources), SEQUENCE, RECENT).drop_columns([SEQUENCE])
        checked = PolarsBatches().check(table, facts)
        apart = [one for one in checked.found if one.count and one.promise.verdict == "quarantine"]
        wrong += [f"{table.name}: {text}" for text in checked.refusals]
        wrong += [f"{table.name}: {one.count} of {checked.rows} rows break {one.promise.name!r}" for one in apart]
        told.append(f"{table.name} keeps its contract on its newest {plural(checked.rows, 'row')}")
    try:
        judge_contracts(material.home, {material.loop.name: material.loop})
    except Refused as error:
        wrong.append(error.problem)
    return Check("contracts", FAIL if wrong else PASS, tuple(wrong) or tuple(told))


def parity(material: Material) -> Check:
    """A store filled as serving fills it gives what training computes, for the newest questions."""
    features, question = material.loop.feature_set, material.loop.question
    absent = [view.table.name for view in features.views if view.table.name not in material.sources.table_versions]
    if absent:
        return Check("parity", UNKNOWN, tuple(f"{name} holds nothing yet, which features read" for name in absent))
    asked = newest(declared_facts(question, material.sources), question.event_time, _COMPARED)
    times = integers(asked[question.event_time], question.event_time)
    facts = _facts(material, int(times.min(initial=0)))
    upto = max((int(pc.max(one[SEQUENCE]).as_py()) for one in facts.values() if one.num_rows), default=0)
    then = pa.array(np.full(asked.num_rows, upto, dtype=np.int64))
    again = asked.drop_columns([SEQUENCE]).append_column(ASKED_AT, pa.array(times)).append_column(SEQUENCE, then)
    differing = dict.fromkeys(features.names, 0)
    served = _looked_up(material, asked, times, facts, upto)
    for one in compare(features, served, point_in_time(features, again, facts)):
        differing[one.feature] += 1
    return judge_parity(asked.num_rows, differing)


def _facts(material: Material, asked_from: int) -> dict[str, pa.Table]:
    """What the views may see from some time on, as their tables hold it."""
    found = {}
    for table in {view.table.name: view.table for view in material.loop.feature_set.views}.values():
        facts, reach = declared_facts(table, material.sources), reach_of(material.loop.feature_set, table)
        if reach is not None:
            since = pa.scalar(to_datetime(asked_from - reach))
            facts = facts.filter(pc.field(table.event_time) >= since)
        found[table.name] = facts
    return found


def _looked_up(
    material: Material, asked: pa.Table, times: Integers, facts: Mapping[str, pa.Table], upto: int
) -> Sequence[Sequence[Value]]:
    """The features as serving looks them up, in a store that is filled for this alone."""
    loop, path = material.loop, material.work / "online.sqlite"
    tables = {table.name: table for table in loop.tables}
    store, reader = SqliteOnlineStore(path), SqliteOnlineReader(path)
    try:
        store.rebuild([loop.feature_set], _batches(facts, tables), upto)
        return read_features(loop.feature_set, _rows(asked, loop.question), times.tolist(), reader)[0].values
    finally:
        reader.close()
        store.close()


def leakage(material: Material) -> Check:
    """No feature is too good to be true."""
    told = audit_features(
        material.loop, material.sources, AuditLimits(), lambda what, done, of: None, most_rows=_AUDITED
    )
    named: dict[str, list[str]] = {}
    for one in told["features"]:
        named.setdefault(one["verdict"], []).append(f"{one['feature']}: {'; '.join(one['reasons'])}")
    facts = {"rows": told["rows"], "days": told["days"]}
    for verdict, outcome in ((SUSPICIOUS, FAIL), (INCONCLUSIVE, UNKNOWN)):
        if verdict in named:
            return Check("leakage", outcome, tuple(named[verdict]), facts)
    text = f"none of {plural(len(told['features']), 'feature')} is too good to be true on {plural(told['rows'], 'row')}"
    return Check("leakage", PASS, (f"{text} of {plural(told['days'], 'day')}",), facts)


def _batches(facts: Mapping[str, pa.Table], tables: Mapping[str, Table]) -> Iterator[Batch]:
    for name, stored in facts.items():
        for start in range(0, stored.num_rows, _BATCH):
            part = stored.slice(start, _BATCH)
            yield name, _rows(part, tables[name]), part[SEQUENCE].to_pylist()


def _rows(stored: pa.Table, table: Table) -> list[Row]:
    """Rows as the doors parse them: instants as microseconds, and null in a column that the contract gained later."""
    columns = [
        column_values(stored[name]) if name in stored.column_names else [None] * stored.num_rows
        for name in table.contract
    ]
    return [dict(zip(table.contract, values, strict=True)) for values in zip(*columns, strict=True)]


def column_values(column: pa.ChunkedArray) -> list[Any]:
    """A stored column's values, instants as microseconds."""
    return list((column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist())
