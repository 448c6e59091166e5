"""Reads what callers have reported of their predictions, and puts it where the log has its own draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.rows import INSTANT, TYPES, facts_schema
from homeostat.app.loops.labelled_loops import LabelledLoop
from homeostat.data.contracts import Value
from homeostat.data.feedback import ACTS, EXPLORED, PROPENSITY
from homeostat.data.matching import key_codes
from homeostat.data.reported import with_reports
from homeostat.data.reports import REPORT, WRONG, Reports
from homeostat.data.tables import KNOWN_AT, SEQUENCE, TableStore
from homeostat.kernel.clock import Instant
from homeostat.monitoring.windows import Window

EVERYTHING = 1 << 62
DRAWN = (ACTS, EXPLORED, PROPENSITY)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reported:
    """Reports in ``tables``, at the version that ``versions`` names or else the newest, as known by ``sequence`` and
    by an instant."""

    tables: TableStore
    sequence: int = EVERYTHING
    versions: Mapping[str, int] | None = None
    known_by: Instant | None = None

    def joined(self, log: pa.Table, loop: LabelledLoop, *, few: bool = False) -> pa.Table:
        """A log of the loop with what was reported; as it is where nobody reports. ``few``: it is a small part."""
        reports = reports_of(loop)
        if reports is None:
            return log
        return with_reports(log, reports, self.facts(reports, log if few else None))

    def facts(self, reports: Reports, among: pa.Table | None = None, where: pc.Expression | None = None) -> pa.Table:
        """The reports, those about rows ``among`` a log, or those ``where`` something holds; none where no table was
        made yet."""
        table, wanted = reports.table, [*reports.columns, SEQUENCE]
        named = self.versions
        version = self.tables.version(table.name) if named is None else named.get(table.name, -1)
        if version < 0:
            return facts_schema(table).empty_table().select(wanted)
        asked = [] if where is None else [where]
        if self.known_by is not None:
            asked.append(pc.field(KNOWN_AT) <= pa.scalar(self.known_by, INSTANT))
        if among is not None:
            asked.append(pc.field(reports.keys[0]).isin(among[reports.of_log[0]].combine_chunks().unique()))
        found = reduce(and_, asked) if asked else None
        facts = self.tables.read(table.name, version=version, columns=wanted, where=found)
        return facts.filter(pc.field(SEQUENCE) <= self.sequence)


def reports_of(loop: LabelledLoop) -> Reports | None:
    """How reports of a loop are read; None where callers report nothing."""
    return None if loop.feedback is None else Reports.of(loop.feedback, loop.question)


def report_of(tables: TableStore, loop: LabelledLoop, record: Mapping[str, Value], asked: Mapping[str, Value]) -> Json:
    """What callers reported of one prediction by now, and what is wrong with it; nothing where they do not report."""
    reports = reports_of(loop)
    if reports is None:
        return {}
    kinds = {f"q_{name}": TYPES[loop.question.contract[name].kind] for name in loop.question.keys}
    own = {"prediction_id": pa.array([record["prediction_id"]], pa.string())}
    own |= {name: pa.array([asked[name.removeprefix("q_")]], kind) for name, kind in kinds.items()}
    own |= {ACTS: pa.array([record.get(ACTS)], pa.bool_()), EXPLORED: pa.array([bool(record.get(EXPLORED))])}
    own[PROPENSITY] = pa.array([record.get(PROPENSITY)], pa.float64())
    (told,) = Reported(tables).joined(pa.table(own), loop, few=True).select([*DRAWN, REPORT]).to_pylist()
    wrong = WRONG[told.pop(REPORT)]
    drawn = dict.fromkeys(DRAWN) if wrong else told
    return {**drawn, "reported_in": reports.table.name, "wrong_with_report": wrong or None}


def odd_reports(
    reported: Reported, reports: Reports, log: pa.Table, part: Window, whole: TableStore, loop: str
) -> tuple[int, int]:
    """How many rows of a day's log were reported otherwise than at first; and how many keys were reported in this time
    that the ``whole`` log of the loop does not have."""
    facts = reported.facts(reports, log)
    _, told = key_codes(log, reports.of_log, facts, reports.keys)
    _, times = np.unique(told, return_counts=True)
    at = pc.field(reports.table.event_time)
    during = (at >= pa.scalar(part.start, INSTANT)) & (at < pa.scalar(part.end, INSTANT))
    told_of = _unmatched(reported.facts(reports, where=during), reports, log)
    if told_of.num_rows:
        about = pc.field(reports.of_log[0]).isin(told_of[reports.keys[0]].combine_chunks().unique())
        told_of = _unmatched(told_of, reports, whole.read(loop, columns=list(reports.of_log), where=about))
    return int((times > 1).sum()), told_of.num_rows


def _unmatched(facts: pa.Table, reports: Reports, log: pa.Table) -> pa.Table:
    """One report of each key that a log does not have."""
    asked, told = key_codes(log, reports.of_log, facts, reports.keys)
    _, first = np.unique(told, return_index=True)
    return facts.take(pa.array(first[~np.isin(told[first], asked)]))
