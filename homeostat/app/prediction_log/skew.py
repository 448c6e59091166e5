"""Looks at served rows of a loop again: reads what was logged and known, recomputes, compares, names causes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.rows import INSTANT, facts_schema
from homeostat.app.home import Home
from homeostat.app.loops.known import known_environment, remember_environment
from homeostat.control.loop import Loop
from homeostat.data.tables import KNOWN_AT, SEQUENCE, TableStore
from homeostat.data.weights import evened
from homeostat.features.definitions import FeatureSet
from homeostat.features.hidden import needing, without
from homeostat.kernel.clock import Instant, duration
from homeostat.monitoring.causes import Libraries, find_causes
from homeostat.monitoring.served import Examined, Needed, examine
from homeostat.monitoring.skew import SkewDay, sampled

_SLACK = duration("1d")
"""Producers' clocks may be ahead: a correction may be known this much before the event it corrects."""
DEFINITIONS = "definitions"


@dataclass(frozen=True)
class SkewCheck:
    """Recomputes served rows from the tables. ``hidden`` are columns that the log does not keep: features
    that need one are not recomputed, and their skew is unknown. ``environment`` is the hash of the libraries that do
    it; ``libraries`` tells the versions behind such a hash."""

    features: FeatureSet
    tables: TableStore
    environment: str = ""
    libraries: Libraries = lambda _: None
    hidden: frozenset[str] = frozenset()

    @classmethod
    def of(cls, home: Home, loop: Loop, tables: TableStore) -> SkewCheck:
        """The check of one loop of a home, in the environment of this process."""
        own = remember_environment(home)
        return cls(loop.feature_set, tables, own, lambda name: known_environment(home, name), loop.log.hidden)

    @cached_property
    def judged(self) -> FeatureSet:
        """The features that can be recomputed from what the log keeps."""
        return without(self.features, needing(self.features, self.hidden)) if self.hidden else self.features

    def day(self, log: pa.Table, share: float, *, upto: int) -> SkewDay:
        """What a share of some served rows shows; ``upto`` is the sequence up to which the tables are complete.

        Raises: HomeostatError where rows cannot be recomputed: then nothing is known of them.
        """
        chosen, left_out = self.choose(log, share, upto=upto)
        return self.count(self.examine(chosen), share, left_out)

    def choose(self, log: pa.Table, share: float, *, upto: int) -> tuple[pa.Table, int]:
        """The rows to look at, and how many of the sample nobody can judge now: served under other definitions
        than today's, or with facts that are not stored yet."""
        log, _ = evened(log)
        sample = log.filter(pa.array(sampled(log["prediction_id"].to_pylist(), share)))
        judged = pc.less_equal(sample["read_sequence"], upto)
        if DEFINITIONS in sample.column_names:
            named = sample[DEFINITIONS]
            ours = pc.or_(pc.is_null(named), pc.is_in(named, pa.array(["", self.features.hash])))
            judged = pc.and_(judged, ours)
        kept = sample.filter(judged)
        return kept, sample.num_rows - kept.num_rows

    def examine(self, log: pa.Table) -> Examined:
        """Served rows beside what offline makes of the same questions."""
        return examine(log, self.judged, self.facts)

    def count(self, seen: Examined, share: float, left_out: int = 0) -> SkewDay:
        """The figures of examined rows, with a cause for every feature that differs."""
        differing = {name: int(wrong.sum()) for name, wrong in seen.wrong.items()}
        causes = find_causes(self.judged, seen, self.facts, environment=self.environment, libraries=self.libraries)
        return SkewDay(share, seen.rows, differing, causes, left_out)

    def facts(self, needed: Needed) -> pa.Table:
        """Read them from the stored table; none for a table that holds nothing yet."""
        table = needed.table
        if self.tables.version(table.name) < 0:
            return facts_schema(table).empty_table()
        where = (pc.field(SEQUENCE) <= needed.sequence) | (pc.field(KNOWN_AT) <= _at(needed.known))
        if needed.since is not None:
            recent = pc.field(table.event_time) >= _at(needed.since)
            where &= recent | (pc.field(KNOWN_AT) >= _at(needed.since - _SLACK))
        return self.tables.read(table.name, columns=needed.columns, where=where)


def _at(instant: Instant) -> pa.Scalar:
    return pa.scalar(instant, INSTANT)
