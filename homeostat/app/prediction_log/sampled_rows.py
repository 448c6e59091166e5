"""A sample of the prediction log with its truth, scored by one version: a few thousand rows, however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.adapters.delta.rows import INSTANT, facts_schema
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.control.scoring import can_judge
from homeostat.app.prediction_log.answered import ANSWERED
from homeostat.app.prediction_log.reported import Reported
from homeostat.app.versions.runtimes import load_runtime
from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.data.feedback import ACTS, PROPENSITY
from homeostat.data.tables import KNOWN_AT, SEQUENCE, TableStore
from homeostat.data.weights import ONE_IN, WEIGHT, evened
from homeostat.features.logged import Logged
from homeostat.kernel.clock import Instant
from homeostat.monitoring.history import Rows
from homeostat.monitoring.labels import LABELLED, join_labels
from homeostat.monitoring.served import served_columns
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.windows import days_of
from homeostat.registry.binding import binding_of
from homeostat.registry.manifest import read_manifest
from homeostat.registry.models import Version
from homeostat.serving.runtimes import answers
from homeostat.stats.arrays import Floats

MOST_ROWS = 12_000
_LEAST_A_DAY = 250
_WHOLE = 200_000
"""Rows of a span up to which all are read and then thinned; of more, only stretches of each day are read."""
_STRETCHES = 6
_NEEDED = (ACTS, PROPENSITY, "prediction_id", "served_at", "read_sequence", "asked_at", "definitions", WEIGHT, ONE_IN)


@dataclass(frozen=True, slots=True)
class SampledRows:
    """Reads one loop's ``log`` and labels; ``versions`` is the folder of its versions, ``known`` what it was ever
    served with."""

    loop: Loop
    log: DeltaTables
    tables: TableStore
    versions: Path
    known: Mapping[str, Logged]

    def read(self, version: str, days: Sequence[Day], now: Instant, rng: np.random.Generator) -> Rows | Unknown:
        """About 12,000 rows of these days, as many of each, with the truth as known at ``now``.

        Raises: HomeostatError where the version's files are missing or changed.
        """
        folder = self.versions / version
        manifest = read_manifest(folder)
        if not days or self.log.version(self.loop.name) < 0:
            return Unknown("no_rows")
        columns = self._columns(manifest)
        parts = [part for part in self._parts(days, columns, rng) if part.num_rows]
        if not parts:
            return Unknown("no_rows")
        log = pa.concat_tables(parts, promote_options="default")
        if not can_judge(log, binding_of(manifest), self.known):
            return Unknown("other_definitions")
        return self._joined(log, manifest, folder, now)

    def _columns(self, manifest: Version) -> list[str]:
        """What of the log is needed: all of it takes several times as long to read."""
        question = (*self.loop.question.keys, self.loop.label.maturity_column)
        wanted = {*_NEEDED, *(f"q_{name}" for name in question), *(f"x_{name}" for name, _ in manifest.inputs)}
        return [name for name in self.log.columns(self.loop.name) if name in wanted]

    def _parts(self, days: Sequence[Day], columns: Sequence[str], rng: np.random.Generator) -> Iterator[pa.Table]:
        each = max(_LEAST_A_DAY, MOST_ROWS // len(days))
        if sum(day.inputs.rows for day in days) <= _WHOLE:
            whole, _ = evened(self._slice([(days[0].start, days[-1].end)], columns))
            ordinals = days_of(whole["asked_at"].cast(pa.int64()).to_numpy(), self.loop.timezone)
            for ordinal in np.unique(ordinals):
                yield _some(whole.filter(pa.array(ordinals == ordinal)), each, rng)
            return
        for day in days:
            share = 2.0 * each / max(day.inputs.rows, 1)
            part, _ = evened(self._slice(list(_stretches(day, share, rng)), columns))
            yield _some(part, each, rng)

    def _slice(self, spans: Sequence[tuple[Instant, Instant]], columns: Sequence[str]) -> pa.Table:
        asked, chosen = pc.field("asked_at"), None
        for start, end in spans:
            one = (asked >= pa.scalar(start, INSTANT)) & (asked < pa.scalar(end, INSTANT))
            chosen = one if chosen is None else chosen | one
        return self.log.read(self.loop.name, columns=columns, where=chosen & ANSWERED)

    def _joined(self, log: pa.Table, manifest: Version, folder: Path, now: Instant) -> Rows:
        label, keys = self.loop.label, self.loop.question.keys
        wanted = list(dict.fromkeys([*keys, *label.columns, SEQUENCE, KNOWN_AT]))
        among = pc.field(keys[0]).isin(log[f"q_{keys[0]}"].combine_chunks().unique())
        if self.tables.version(label.table.name) < 0:
            facts = facts_schema(label.table).empty_table().select(wanted)
        else:
            told = among & (pc.field(KNOWN_AT) <= pa.scalar(now, INSTANT))
            facts = self.tables.read(label.table.name, columns=wanted, where=told)
        log = Reported(self.tables, known_by=now).joined(log, self.loop, few=True)
        joined = join_labels(log, facts, label, keys=keys, now=now, sequence=np.iinfo(np.int64).max)
        chosen = log.take(pa.array(joined.rows))
        columns = served_columns(chosen, dict(manifest.inputs))
        truth = np.where(joined.status == LABELLED, joined.truth, np.nan)
        days = days_of(chosen["asked_at"].cast(pa.int64()).to_numpy(), self.loop.timezone)
        return Rows(days, columns, _scores(folder, manifest, columns), truth, self.loop.task)


def _stretches(day: Day, share: float, rng: np.random.Generator) -> Iterator[tuple[Instant, Instant]]:
    """Stretches of a day that hold about a share of it: one in each equal part, at a random place."""
    if share >= 1.0:
        yield day.start, day.end
        return
    part = (day.end - day.start) // _STRETCHES
    for number in range(_STRETCHES):
        start = day.start + number * part + int(rng.integers(0, max(1, int(part * (1.0 - share)))))
        yield start, start + max(1, int(part * share))


def _some(part: pa.Table, most: int, rng: np.random.Generator) -> pa.Table:
    if part.num_rows <= most:
        return part
    return part.take(pa.array(np.sort(rng.choice(part.num_rows, most, replace=False))))


def _scores(folder: Path, manifest: Version, columns: Mapping[str, Any]) -> Floats:
    rows = len(next(iter(columns.values())))
    runtime = load_runtime(folder, manifest.loop, manifest.version)
    return np.array(answers(runtime, runtime.predict(columns), rows))
