"""What was measured of one event day: inputs as soon as it ends, outcomes once its labels are mature."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from homeostat.kernel.clock import Instant
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.kept_drift import KeptDrift
from homeostat.monitoring.kept_feedback import FeedbackDay
from homeostat.monitoring.kept_slices import KeptSlice
from homeostat.monitoring.performance import PairSums
from homeostat.monitoring.skew import SkewDay
from homeostat.stats.figures.means import MeanSums
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.tasks import sums_type


@dataclass(frozen=True, slots=True)
class Counted:
    """One feature's rows of a day: ``counts`` over the bins of its reference profile, and those without a value."""

    counts: tuple[int, ...]
    missing: int

    @property
    def rows(self) -> int:
        """Rows counted, missing ones included."""
        return sum(self.counts) + self.missing


@dataclass(frozen=True, slots=True)
class Inputs:
    """What came in and went out. ``psi`` and ``ks`` are per feature against ``reference``'s profile; None where
    unknown (too few rows). ``asked`` and ``faults`` count by version; ``age`` is the silence of each table in
    microseconds at the day's end; ``quarantined`` counts rows that broke a contract, by table. ``freshness`` says of
    each objective whether it was met then (None: unknown), ``defaulted`` how often a default stood in, by feature.
    ``counted`` holds what a plot of each feature needs; it is empty for days measured before it was kept, as is
    ``drift``: every distance over windows of several lengths with its limit. ``one_in``: each row that ``counted``
    stands on is one of so many served. ``estimated`` is what the day was expected to show when it ended; None for days
    measured before it was. Of ``reported`` rows callers had said by then what they did; None where nobody is to."""

    rows: int
    asked: Mapping[str, int]
    faults: Mapping[str, int]
    failed: int
    reference: str | None
    psi: Mapping[str, float | None]
    ks: Mapping[str, float | None]
    prediction_psi: float | None
    age: Mapping[str, int | None]
    quarantined: Mapping[str, int]
    freshness: Mapping[str, bool | None] = field(default_factory=dict)
    defaulted: Mapping[str, int] = field(default_factory=dict)
    counted: Mapping[str, Counted] = field(default_factory=dict)
    drift: KeptDrift = field(default_factory=KeptDrift)
    one_in: int = 1
    estimated: EstimatedDay | None = None
    reported: int | None = None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What turned out to be true, at maturity. ``live`` are scores as served; ``versions`` every version of
    interest scored on all rows of the day; ``paired`` is candidate minus champion on the same rows. ``absent`` counts
    the rows whose label never came, by feature over the bins of the day's reference and by score
    (`monitoring.absent`); it is empty where every label came, and for days measured before it was kept. ``slices`` are
    the sums of ``live`` by declared slice, of all rows first; empty where none is declared, and for older days. ``own``
    are the user's own metrics, those that could be computed of the day.
    ``feedback`` is what predictions that were acted on left of the day where the loop declares so; every other figure
    then stands on rows that were not, each for as many as it was drawn from."""

    labelled: int
    unlabelled: int
    late: int
    live: Sums
    versions: Mapping[str, Sums]
    paired: tuple[PairSums, ...] = ()
    absent: Mapping[str, Counted] = field(default_factory=dict)
    slices: tuple[KeptSlice, ...] = ()
    own: Mapping[str, MeanSums] = field(default_factory=dict)
    feedback: FeedbackDay | None = None


@dataclass(frozen=True, slots=True)
class Trail:
    """Figures over the trailing days up to this one, for the eye: the live loop and the frozen first version.

    Of numbers ``error`` is the RMSE, MAE or quantile loss, and there is no AUC.
    """

    days: int
    skill: float
    skill_low: float
    skill_high: float
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    log_loss: float | None
    frozen_skill: float | None
    frozen_auc: float | None
    frozen_log_loss: float | None
    error: float | None = None
    frozen_error: float | None = None
    error_low: float | None = None
    error_high: float | None = None
    log_loss_low: float | None = None
    log_loss_high: float | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One event day of a loop. ``mature_at``: when the last label that can be waited for is due. ``skew`` is what a
    share of its served rows showed when recomputed; None where that is unknown."""

    day: str
    start: Instant
    end: Instant
    mature_at: Instant
    inputs: Inputs
    outcomes: Outcomes | None = None
    trail: Trail | None = None
    skew: SkewDay | None = None

    def with_outcomes(self, outcomes: Outcomes) -> Day:
        """The same day with its labels in."""
        return dataclasses.replace(self, outcomes=outcomes)

    def sums_of(self, version: str | None) -> Sums | None:
        """A version's sums on all labelled rows of the day, if it was scored and there were any."""
        if self.outcomes is None or version is None:
            return None
        sums = self.outcomes.versions.get(version)
        return sums if sums is not None and sums.rows else None


def truly_ended(days: Iterable[Day], now: Instant) -> list[Day]:
    """Days in order, without those that only a clock which was ahead took for ended: they end later than now, and
    nobody was served on a later one, as somebody was where it is today's clock that is behind."""
    ordered = sorted(days, key=lambda day: day.start)
    served = max((day.start for day in ordered if day.inputs.rows), default=0)
    return [day for day in ordered if day.end <= now or day.start < served]


def read_day(content: str | bytes) -> Day:
    """A day as it was stored, by this release or an older one. Raises: msgspec.MsgspecError."""
    return msgspec.json.decode(content, type=Day, dec_hook=_sums)


def _sums(kind: type, value: Any) -> Any:
    """Sums are of their loop's task, which they name."""
    if kind is not Sums:
        raise NotImplementedError(kind)
    return msgspec.convert(value, sums_type(value))
