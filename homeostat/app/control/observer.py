"""Reads the evidence of one loop from the prediction log, the tables and the recorder."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.app.control.ages import age_at_end
from homeostat.app.control.drift_watch import DriftSeen, DriftWatch
from homeostat.app.control.estimated import absent_rows, scores_of
from homeostat.app.control.facts import Facts
from homeostat.app.control.foretold import Foretelling
from homeostat.app.control.learnt import Foretells, foretells
from homeostat.app.control.own import own_of_rows
from homeostat.app.control.scoring import Columns, Scorer, answers_of, can_judge
from homeostat.app.control.slicing import slices_of_rows
from homeostat.app.control.used import Used, trail_before
from homeostat.app.diagnosis.diagnosing import Diagnoser, Judged
from homeostat.app.prediction_log.answered import ANSWERED
from homeostat.app.prediction_log.reported import Reported, odd_reports, reports_of
from homeostat.app.prediction_log.skew import SkewCheck
from homeostat.control.days import Counted, Day, Inputs, Outcomes
from homeostat.control.loop import Loop
from homeostat.control.performance.estimating import with_estimates
from homeostat.control.policies.first import Matured
from homeostat.control.reading import promised
from homeostat.control.state import LoopState
from homeostat.data.profiles import Profile
from homeostat.data.shaped import Shaped
from homeostat.data.tables import KNOWN_AT, SEQUENCE, TableStore
from homeostat.data.weights import coarsest, weights
from homeostat.features.logged import Logged
from homeostat.features.views import FeatureKind
from homeostat.governance.audit import Entry
from homeostat.kernel.clock import Instant, duration, to_datetime
from homeostat.kernel.errors import HomeostatError
from homeostat.monitoring.diagnosis import Diagnosis
from homeostat.monitoring.freshness import Objective, objectives_of
from homeostat.monitoring.kept_drift import KeptDrift
from homeostat.monitoring.kept_feedback import FeedbackDay
from homeostat.monitoring.labels import JoinedLabels, join_labels
from homeostat.monitoring.performance import PairSums, pair_sums
from homeostat.monitoring.served import served_columns
from homeostat.monitoring.skew import SkewDay
from homeostat.monitoring.windows import Window, day_of, days_of, window
from homeostat.registry.binding import Binding, binding_of
from homeostat.registry.models import Registry
from homeostat.stats.arrays import Integers
from homeostat.stats.intervals import Interval
from homeostat.stats.tasks import Regression

_LOG = logging.getLogger("homeostat.control")


@dataclass(slots=True)
class DeltaObserver:
    """Observes one loop. ``log`` and ``tables`` are read, ``facts`` tells what the recorder and gateway counted,
    ``known`` what the loop was ever served with: it tells which rows a version can be judged on."""

    loop: Loop
    tables: TableStore
    log: TableStore
    registry: Registry
    facts: Facts
    check: SkewCheck
    known: Mapping[str, Logged]
    skew_share: float
    diagnoser: Diagnoser
    _scorer: Scorer = field(init=False)
    _watch: DriftWatch = field(init=False)
    _matured_at: tuple[tuple[int, int], Matured] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._scorer = Scorer(self.loop.name, self.registry)
        self._watch = DriftWatch(self.loop.name, self.loop.drift, self.registry, self.loop.timezone, self.loop.task)

    def observe(self, state: LoopState, days: Sequence[Day], now: Instant) -> list[Day]:
        """Days that ended and days whose labels matured since ``days``, by ``now``, oldest first."""
        due = [day for day in days if day.outcomes is None and day.mature_at <= now]
        ended = self._ended(days, now)
        if not due and not ended:
            return []
        self.facts.refresh()
        seen: list[Day] = []
        for part in ended:
            before = [*days, *seen]
            seen.append(self._foretold(state, self._inputs(state, before, part), before))
        due += [day for day in seen if day.mature_at <= now]
        changed = {day.day: day for day in (*days, *seen)}
        for day in due:
            changed[day.day] = day.with_outcomes(self._outcomes(state, day, changed.values(), now))
        changed = {name: changed[name] for name in {day.day: day for day in (*seen, *due)}}
        return with_estimates(days, changed.values(), self.loop.threshold)

    def matured(self, now: Instant) -> Matured:
        """What a first version asked for now would stand on; counted again only after news, or an hour."""
        at = (self.facts.refresh(), now // duration("1h"))
        if self._matured_at is None or self._matured_at[0] != at:
            self._matured_at = (at, self._count_matured(now))
        return self._matured_at[1]

    def binding(self, version: str) -> Binding:
        """The definitions that a version was trained with."""
        return binding_of(self.registry.get(self.loop.name, version))

    def diagnose(self, state: LoopState, days: Sequence[Day], entries: Sequence[Entry], now: Instant) -> Diagnosis:
        """Why the champion does worse, if it does; unknown where that cannot be told."""
        return self.diagnoser.diagnose(Judged(state.route.champion or "", state.route.standby, now), days, entries)

    def promise(self, version: str) -> Interval | None:
        """The skill that a version promised, if it could be measured."""
        return promised(self.registry.get(self.loop.name, version).promise)

    def learnt(self, version: str) -> int:
        """How many rows a version learnt from."""
        return self.registry.get(self.loop.name, version).pin.rows

    def _ended(self, days: Sequence[Day], now: Instant) -> list[Window]:
        """Whole days after the last one seen, or from the first prediction on."""
        zone = self.loop.timezone
        if days:
            first = date.fromisoformat(days[-1].day) + timedelta(days=1)
        else:
            began = self._began()
            if began is None:
                return []
            first = date.fromisoformat(day_of(began, zone))
        last = date.fromisoformat(day_of(now, zone))
        count = max(0, (last - first).days)
        return [window((first + timedelta(days=n)).isoformat(), zone) for n in range(count)]

    def _began(self) -> Instant | None:
        self.facts.refresh()
        if self.log.version(self.loop.name) < 0:
            return None
        asked = self.log.read(self.loop.name, columns=["asked_at"])["asked_at"]
        return None if not len(asked) else int(pc.min(asked).cast(pa.int64()).as_py())

    def _foretold(self, state: LoopState, day: Day, days: Sequence[Day]) -> Day:
        """With what is expected of predicted numbers before their labels come."""
        task = self.loop.task
        if not isinstance(task, Regression):
            return day
        made = Foretelling(self.loop.name, task, self.diagnoser.rows).of(state.route.champion, day, days)
        return dataclasses.replace(day, inputs=dataclasses.replace(day.inputs, estimated=made))

    def _slice(self, part: Window, columns: Sequence[str] | None = None) -> pa.Table:
        asked = pc.field("asked_at")
        where = (asked >= _at(part.start)) & (asked < _at(part.end)) & ANSWERED
        return self.log.read(self.loop.name, columns=columns, where=where)

    def _inputs(self, state: LoopState, days: Sequence[Day], part: Window) -> Day:
        log = self._slice(part)
        maturity = log[f"q_{self.loop.label.maturity_column}"].cast(pa.int64())
        latest = int(pc.max(maturity).as_py()) if log.num_rows else part.end
        seen = self._drift(state.route.champion, log, days, part)
        candidate = state.rollout.candidate if state.rollout else ""
        stands_for = weights(log)
        faults = int(stands_for[log["fell_back"].to_numpy()].sum())
        asked = _asked(log, stands_for)
        if faults and candidate:
            asked[candidate] = asked.get(candidate, 0) + faults
        age = {table.name: age_at_end(self.tables, table, part) for table in self.loop.tables}
        return Day(
            day=part.name,
            start=part.start,
            end=part.end,
            mature_at=latest + self.loop.label.maturity_delay,
            inputs=Inputs(
                rows=int(stands_for.sum()),
                asked=asked,
                faults={candidate: faults} if faults and candidate else {},
                failed=max(0, self.facts.failed(self.loop.name) - sum(day.inputs.failed for day in days)),
                reference=state.route.champion,
                psi=seen.daily("psi"),
                ks=seen.daily("ks"),
                prediction_psi=seen.prediction,
                age=age,
                quarantined={table.name: self._quarantined(table.name, days) for table in self.loop.tables},
                freshness={one.id: one.met(part, age[one.table]) for one in self.objectives},
                defaulted=_counted(log),
                counted=seen.counted,
                drift=KeptDrift.of(seen.drift),
                one_in=seen.one_in,
                estimated=scores_of(log, self.loop.task),
                reported=self._count_reported(log),
            ),
            skew=self._skew(log, part),
        )

    def _count_reported(self, log: pa.Table) -> int | None:
        """Of how many rows callers have said what they did; None where nobody is to."""
        if reports_of(self.loop) is None:
            return None
        return int((~Shaped.of(self._reported.joined(log, self.loop, few=True)).untold).sum())

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """How long the source of each table and view may be silent."""
        return objectives_of(self.loop.tables, self.loop.feature_set)

    def _skew(self, log: pa.Table, part: Window) -> SkewDay | None:
        """What a share of a day's rows shows when recomputed; unknown, not an error, where that fails."""
        try:
            return self.check.day(log, self.skew_share, upto=self.facts.sequence)
        except HomeostatError as error:
            _LOG.warning("the rows of %s cannot be recomputed: %s %s", part.name, error.problem, error.mend)
            return None

    def _quarantined(self, table: str, days: Sequence[Day]) -> int:
        """Rows kept apart since the days before."""
        before = sum(day.inputs.quarantined.get(table, 0) for day in days)
        return max(0, self.facts.quarantined().get(table, 0) - before)

    def _drift(self, champion: str | None, log: pa.Table, days: Sequence[Day], part: Window) -> DriftSeen:
        if champion is None or not can_judge(log, self.binding(champion), self.known):
            return DriftSeen()
        return self._watch.look(champion, self._inputs_of([champion]), log, days, part)

    def _outcomes(self, state: LoopState, day: Day, known: Iterable[Day], now: Instant) -> Outcomes:
        part = Window(day.start, day.end, day.day)
        log = self._reported.joined(self._slice(part), self.loop, few=True)
        joined = self._join(log, now)
        each = coarsest(log)
        before, task = trail_before(day, known), self.loop.task
        foretell = self._foretells(day, log, known)
        used = Used.of(self.loop.feedback, log, joined, before, self.loop.label.typed, task, foretell)
        counts = joined.counts_of(weights(log) * used.stands_for)
        labels, chosen = used.labels, used.rows
        said = answers_of(chosen, task)
        able = [name for name in _of_interest(state) if can_judge(chosen, self.binding(name), self.known)]
        columns = served_columns(chosen, self._inputs_of(able))
        scores = self._scorer.scores(able, columns) if len(labels) else {}
        return Outcomes(
            labelled=counts["labelled"],
            unlabelled=counts["matured_without_label"],
            late=counts["late"],
            live=task.sums(labels, said).times(each),
            versions={version: task.sums(labels, found).times(each) for version, found in scores.items()},
            paired=tuple(one.times(each) for one in self._paired(state, chosen, labels, scores)),
            absent=self._absent(day, used.absent),
            slices=slices_of_rows(self.loop, chosen, labels, self._profiles(day), each),
            own=own_of_rows(self.loop, labels, said, each),
            feedback=self._told_of(used.feedback, log, part),
        )

    @property
    def _reported(self) -> Reported:
        """What callers have reported by the last refresh."""
        return Reported(self.tables, self.facts.sequence)

    def _told_of(self, seen: FeedbackDay | None, log: pa.Table, part: Window) -> FeedbackDay | None:
        """With reports that contradict each other, and those about nothing."""
        reports = reports_of(self.loop)
        if seen is None or reports is None:
            return seen
        corrected, strangers = odd_reports(self._reported, reports, log, part, self.log, self.loop.name)
        return dataclasses.replace(seen, corrected=corrected, strangers=strangers)

    def _foretells(self, day: Day, log: pa.Table, known: Iterable[Day]) -> Foretells | None:
        """What errors go with which inputs, where predicted numbers are acted on."""
        version, task = day.inputs.reference, self.loop.task
        if self.loop.feedback is None or not isinstance(task, Regression) or version is None:
            return None
        if not can_judge(log, self.binding(version), self.known):
            return None
        days = sorted(known, key=lambda one: one.start)
        return foretells(self.diagnoser.rows, task, version, self._inputs_of([version]), day, days)

    def _profiles(self, day: Day) -> Mapping[str, Profile]:
        reference = day.inputs.reference
        return self._scorer.profile(reference).features if reference and self.loop.sliced_by else {}

    def _absent(self, day: Day, rows: pa.Table) -> dict[str, Counted]:
        """The rows whose label never came, beside those of ``counted``, which are over the bins of the reference."""
        reference = day.inputs.reference
        if reference is None or not day.inputs.counted or not rows.num_rows:
            return absent_rows(rows, None, {}, self.loop.task)
        return absent_rows(rows, self._scorer.profile(reference), self._inputs_of([reference]), self.loop.task)

    def _inputs_of(self, versions: Sequence[str]) -> dict[str, FeatureKind]:
        """What these versions take; one log has one kind for a name."""
        return {name: kind for version in versions for name, kind in self.registry.get(self.loop.name, version).inputs}

    def _join(self, log: pa.Table, now: Instant) -> JoinedLabels:
        label, keys = self.loop.label, self.loop.question.keys
        first = keys[0]
        wanted = list(dict.fromkeys([*keys, *label.columns, SEQUENCE, KNOWN_AT]))
        among = pc.field(first).isin(log[f"q_{first}"].combine_chunks().unique())
        facts = self.tables.read(label.table.name, columns=wanted, where=among)
        return join_labels(log, facts, label, keys=keys, now=now, sequence=self.facts.sequence)

    def _paired(self, state: LoopState, log: pa.Table, labels: object, scores: Columns) -> tuple[PairSums, ...]:
        if state.rollout is None or not log.num_rows:
            return ()
        candidate, champion = state.rollout.candidate, state.rollout.champion
        if not {candidate, champion} <= scores.keys():
            return ()
        days = days_of(log["asked_at"].cast(pa.int64()).to_numpy(), self.loop.timezone)
        pair = (candidate, scores[candidate]), (champion, scores[champion])
        return pair_sums(days, labels, *pair, self.loop.task)  # type: ignore[arg-type]

    def _count_matured(self, now: Instant) -> Matured:
        question, label = self.loop.question, self.loop.label
        if min(self.tables.version(question.name), self.tables.version(label.table.name)) < 0:
            return Matured(0, 0)
        wanted = list(dict.fromkeys([*question.keys, question.event_time, label.maturity_column]))
        due = pc.field(label.maturity_column) <= _at(now - label.maturity_delay)
        asked = self.tables.read(question.name, columns=wanted, where=due)
        told = self.tables.read(label.table.name, columns=list(question.keys))
        labelled = asked.join(
            told.group_by(list(question.keys)).aggregate([]), list(question.keys), join_type="left semi"
        )
        times = labelled[question.event_time].cast(pa.int64()).to_numpy()
        since, cutoff = self.loop.training_span(now, first=True)
        trained = times < cutoff if since is None else (times >= since) & (times < cutoff)
        later = days_of(times[times >= cutoff], self.loop.timezone)
        return Matured(int(np.count_nonzero(trained)), int(np.unique(later).size))


def _asked(log: pa.Table, stands_for: Integers) -> dict[str, int]:
    """Rows by the version that answered them, in the order of its first."""
    found: dict[str, int] = {}
    for version, count in zip(log["version"].to_pylist(), stands_for.tolist(), strict=True):
        found[version] = found.get(version, 0) + count
    return found


def _counted(log: pa.Table) -> dict[str, int]:
    """How often a declared default was used for each feature."""
    if "defaulted" not in log.column_names:
        return {}
    names = pc.list_flatten(log["defaulted"])
    return {str(item["values"]): int(item["counts"]) for item in pc.value_counts(names).to_pylist()}


def _of_interest(state: LoopState) -> tuple[str, ...]:
    rollout = state.rollout.candidate if state.rollout else None
    named = (state.first_version, state.route.champion, rollout, state.route.standby, *state.route.arms)
    return tuple(dict.fromkeys(version for version in named if version))


def _at(instant: Instant) -> pa.Scalar:
    return pa.scalar(to_datetime(instant), pa.timestamp("us", tz="UTC"))
