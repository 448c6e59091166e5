"""Why a loop does worse: the evidence of one loop, collected from its home, and the diagnosis that it gives."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.by_hand.operations import Operations
from homeostat.app.control.scoring import read_profile
from homeostat.app.home import Home
from homeostat.app.loops.known import known_features
from homeostat.app.prediction_log.sampled_rows import SampledRows
from homeostat.app.tables.contracts import read_history
from homeostat.app.versions.manifests import Manifests
from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.control.one_sided import one_sided
from homeostat.governance.audit import Entry
from homeostat.kernel.clock import Instant, duration, format_instant
from homeostat.kernel.errors import HomeostatError, InvalidInput
from homeostat.monitoring.diagnosis import Diagnosis, diagnose, unknown
from homeostat.monitoring.history import Cost, DayFacts, Event, History, Rows
from homeostat.monitoring.signals import Unknown
from homeostat.monitoring.windows import window
from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.number_sums import NumberSums
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import ScoreSums, pooled
from homeostat.stats.tasks import Multiclass, Task

Json = dict[str, Any]
_LOG = logging.getLogger("homeostat.control")
SPAN = "56d"
"""How far back a diagnosis looks: long enough for two seasons of a month, short enough to be read in seconds."""
SEED = 2013
_NO_SPREAD = 1e-12
_SHORT = ("cause", "intervention", "because")
_DEPLOYMENTS = frozenset(
    {"promote", "canary", "advance", "rollback", "redeploy", "stand_down", "approve", "shadow", "halt", "restore"}
)


@dataclass(frozen=True, slots=True)
class Judged:
    """Which version is judged, beside which standby, as of when."""

    version: str
    standby: str | None
    at: Instant


@dataclass(slots=True)
class Diagnoser:
    """Diagnoses one loop. ``rows`` reads and scores a sample of its log; ``versions`` is the folder of versions."""

    loop: Loop
    home: Home
    rows: SampledRows
    _manifests: Manifests = field(init=False)
    _told: tuple[tuple[object, ...], Diagnosis] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._manifests = Manifests(self.home.versions)

    @classmethod
    def of(cls, home: Home, loop: Loop) -> Diagnoser:
        """The diagnoser of one loop of a home."""
        log, tables = DeltaTables(home.log), DeltaTables(home.tables)
        return cls(
            loop, home, SampledRows(loop, log, tables, home.versions / loop.name, known_features(home, loop.name))
        )

    def diagnose(self, judged: Judged, days: Sequence[Day], entries: Sequence[Entry], seed: int = SEED) -> Diagnosis:
        """Walk the tree on what was known then; unknown, and never an error, where something fails.

        The same days give the same diagnosis, which is then told without looking again.
        """
        known = [day for day in days if day.end <= judged.at]
        matured = sum(_outcomes(day, judged.at) is not None for day in known)
        key = (judged.version, judged.standby, seed, len(known), known[-1].day if known else "", matured)
        if self._told is None or self._told[0] != key:
            self._told = (key, self._attempt(judged, known, entries, seed))
        return self._told[1]

    def _attempt(self, judged: Judged, days: Sequence[Day], entries: Sequence[Entry], seed: int) -> Diagnosis:
        try:
            return diagnose(self.history(judged, days, entries, seed), rng=np.random.default_rng(seed))
        except HomeostatError as error:
            _LOG.warning("%s cannot be diagnosed: %s %s", self.loop.name, error.problem, error.mend)
            return unknown(error.code, f"{error.problem} {error.mend}")
        except Exception as error:  # whatever a log or a model holds, the loop goes on
            _LOG.exception("%s cannot be diagnosed", self.loop.name)
            return unknown("failed", f"the diagnosis failed: {type(error).__name__}: {error}")

    def history(self, judged: Judged, days: Sequence[Day], entries: Sequence[Entry], seed: int) -> History:
        """The evidence. Raises: HomeostatError where files of the version are missing or changed."""
        version = self._manifests.find(self.loop.name, judged.version)
        learnt = 0 if version is None else version.pin.cutoff
        since = max(learnt, judged.at - duration(SPAN))
        span = [day for day in days if day.start >= since]
        rng = np.random.default_rng(seed)
        rows = self.rows.read(judged.version, span, judged.at, rng)
        unit = _unit(span, judged)
        if not isinstance(rows, Unknown):
            rows = dataclasses.replace(rows, unit=unit)
        apart = one_sided([day for day in days if day.mature_at <= judged.at])
        facts = tuple(
            dataclasses.replace(_facts(day, judged, rows, unit, self.loop.task), no_chance=day.day in apart)
            for day in span
        )
        return History(
            facts,
            rows,
            read_profile(self.home.versions / self.loop.name / judged.version),
            tuple(self._events(entries, since, judged.at)),
            year_before=_year_before(days, facts, judged.at, unit),
            unit=self.loop.task.unit,
        )

    def _events(self, entries: Sequence[Entry], since: Instant, until: Instant) -> list[Event]:
        found = [
            Event(entry.draft.at, "deployment", entry.draft.title)
            for entry in entries
            if entry.draft.kind in _DEPLOYMENTS
        ]
        for table in self.loop.tables:
            for version in read_history(self.home, table.name).versions[1:]:
                changes = "; ".join(version.changes) or "written another way"
                found.append(Event(version.since, "contract", f"contract {version.number} of {table.name}: {changes}"))
        return [event for event in found if since <= event.at <= until]


def judged_at(entries: Sequence[Entry], at: Instant) -> Judged | None:
    """Which version served at an instant, and which one before it, by the ledger; None before the first.

    Of what was decided at that very instant, only what moved no route counts as known.
    """
    moves = [str(name) for entry in entries if entry.draft.at < at and (name := entry.draft.evidence.get("champion"))]
    if not moves:
        return None
    earlier = [name for name in moves if name != moves[-1]]
    return Judged(moves[-1], earlier[-1] if earlier else None, at)


def _unit(days: Sequence[Day], judged: Judged) -> float:
    """What losses are told in, from all days whose outcomes were known: 1 unless numbers are predicted."""
    known = [day.outcomes.live for day in days if _outcomes(day, judged.at) and day.outcomes and day.outcomes.live.rows]
    return (pooled(known).unit if known else 1.0) or 1.0


def _facts(day: Day, judged: Judged, rows: Rows | Unknown, unit: float, task: Task) -> DayFacts:
    outcomes, inputs = _outcomes(day, judged.at), day.inputs
    mine = None if isinstance(rows, Unknown) else rows.of_day(day.day)
    missing = {name: one.missing / one.rows for name, one in inputs.counted.items() if one.rows}
    if not missing and mine is not None:
        missing = mine.missing()
    known = outcomes is not None
    return DayFacts(
        day.day,
        inputs.rows,
        missing,
        dict(inputs.quarantined),
        dict(inputs.freshness),
        dict(inputs.age),
        day.skew,
        outcomes.labelled if outcomes else None,
        _positives(outcomes.live) if outcomes else None,
        outcomes.unlabelled if outcomes else None,
        (_cost(day.sums_of(judged.version), unit) or (mine.cost() if mine is not None else None)) if known else None,
        _cost(day.sums_of(judged.standby), unit) if known else None,
        _alike(outcomes.live, task) if outcomes else None,
    )


def _outcomes(day: Day, at: Instant) -> Any:
    """What was true of the day, if that was known at an instant."""
    return day.outcomes if day.mature_at <= at else None


def _positives(sums: Sums) -> int | None:
    return sums.positives if isinstance(sums, ScoreSums) else None


def _alike(sums: Sums, task: Task) -> str | float | None:
    """What all labels of some rows are; None where they differ, and of a yes or no, whose labels are counted."""
    if isinstance(sums, NumberSums):
        return sums.mean if sums.rows and sums.spread <= _NO_SPREAD * sums.rows * max(1.0, sums.mean**2) else None
    if isinstance(task, Multiclass) and isinstance(sums, ClassSums):
        of_class = np.reshape(sums.counts, (len(task.classes), -1)).sum(axis=1)
        return task.classes[int(of_class.argmax())] if np.count_nonzero(of_class) == 1 else None
    return None


def _cost(sums: Sums | None, unit: float) -> Cost | None:
    return None if sums is None or not sums.rows else Cost(sums.loss / unit, sums.rows)


def _year_before(days: Sequence[Day], span: Sequence[DayFacts], at: Instant, unit: float) -> tuple[DayFacts, ...]:
    """The same days a year earlier, as what served then cost."""
    if not span:
        return ()
    ends = [(date.fromisoformat(day.day) - timedelta(days=364)).isoformat() for day in (span[0], span[-1])]
    return tuple(
        DayFacts(day.day, day.inputs.rows, loss=_cost(day.outcomes.live, unit))
        for day in days
        if ends[0] <= day.day <= ends[1] and day.outcomes is not None
    )


def diagnosis(operations: Operations, loop: Loop, day: str | None = None, seed: int = SEED) -> Json:
    """The diagnosis of a loop as a person asks for it: now, or as it would have been when a day began.

    Raises: InvalidInput for what is no date, or one that has not come.
    """
    entries, state = operations.store.entries(loop.name), operations.state(loop.name)
    days = operations.days(loop.name)
    last = max(state.decided_until or 0, days[-1].end if days else 0)
    at = last if day is None else window(day, loop.timezone).start
    if days and at > last:
        raise InvalidInput(
            f"{day} has not come: {loop.name!r} is decided until {format_instant(last)}.",
            mend="Name a day before it, or none for what is known now.",
            at=day,
        )
    judged = judged_at(entries, at)
    if judged is None:
        found = unknown("no_version", "no version has served a day by then: there is nothing to diagnose")
    else:
        found = Diagnoser.of(operations.home, loop).diagnose(judged, days, entries, seed)
    told = {
        "loop": loop.name,
        "at": format_instant(at) if at else None,
        "version": None if judged is None else judged.version,
    }
    return {**told, "seed": seed, **found.to_json(), "retrainings": _asked(entries, at)}


def _asked(entries: Sequence[Entry], at: Instant) -> list[Json]:
    """What was diagnosed when a retraining was asked for, refused ones included, newest first."""
    found = []
    for entry in reversed(entries):
        told = entry.draft.evidence.get("diagnosis")
        if isinstance(told, dict) and entry.draft.at <= at:
            what = {"seq": entry.seq, "at": format_instant(entry.draft.at), "title": entry.draft.title}
            found.append({**what, "verdict": entry.draft.verdict, **{key: told[key] for key in _SHORT if key in told}})
    return found
