"""The evaluation matrix: a version for each week, trained on what was known then, and how it did on every later day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from homeostat.kernel.clock import Duration, Instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.drift_table import DriftTable
from homeostat.monitoring.estimates import EstimatedDay
from homeostat.monitoring.kept_drift import KeptDrift
from homeostat.monitoring.windows import Window
from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import ScoreSums
from homeostat.stats.intervals import Interval
from homeostat.stats.tasks import skill_over

WEEK = 7
"""Days of a week: the grid on which policies and the oracle may ask for a version."""
DAY: Duration = 86_400_000_000
FEWEST_WEEKS = 2


@dataclass(frozen=True, slots=True)
class PastDay:
    """One day of the history. ``asked`` questions came, of which so many had a label or none at ``mature_at``."""

    window: Window
    mature_at: Instant
    asked: int = 0
    labelled: int = 0
    unlabelled: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """A version trained at ``asked_at`` on rows asked before ``cutoff``, and what it came to; days by their place.

    ``labels`` counts the loop's labels in the order asked: it learnt from those from the first to before the second.
    ``seconds`` is how long it trained. ``drift``: of the days from the place ``drift_from`` on; None where it has no
    profile. ``problem``: why there is no such version.
    """

    version: str
    asked_at: Instant
    cutoff: Instant
    labels: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    sums: Mapping[int, Sums] = field(default_factory=dict)
    drift: DriftTable | None = None
    drift_from: int = 0
    problem: str | None = None

    @property
    def training_days(self) -> int:
        """Whole days that training takes from the release: most trainings take none."""
        return round(self.seconds * 1_000_000 / DAY)


@dataclass(slots=True)
class Monitor:
    """What watching a day would have shown, worked out once for whoever asks."""

    _drift: dict[tuple[int, int, int], KeptDrift] = field(init=False, default_factory=dict)
    _expected: dict[tuple[int, int], EstimatedDay | None] = field(init=False, default_factory=dict)

    def drift(self, trial: Trial, week: int, place: int, served: int) -> KeptDrift:
        """Of the version of a week that had served for so many days; empty where nothing was measured."""
        if trial.drift is None or not 0 <= place - trial.drift_from < len(trial.drift.values):
            return KeptDrift()
        key = week, place, min(served, max(span for _, span in trial.drift.signals))
        if key not in self._drift:
            self._drift[key] = KeptDrift.of(trial.drift.day(place - trial.drift_from, served))
        return self._drift[key]

    def expected(self, trial: Trial, week: int, place: int) -> EstimatedDay | None:
        """The scores of a day's questions, on which an estimate before labels stands; None where there are none."""
        if (week, place) not in self._expected:
            self._expected[week, place] = _scores(trial.sums.get(place))
        return self._expected[week, place]


def _scores(sums: Sums | None) -> EstimatedDay | None:
    """What a day's answers say of how sure they are; numbers do not."""
    if isinstance(sums, ScoreSums):
        scores = zip(sums.negatives_by_score, sums.positives_by_score, strict=True)
        return EstimatedDay(tuple(map(sum, scores)))
    table = sums.table if isinstance(sums, ClassSums) else None
    if table is None:
        return None
    counted = table.sum(axis=2).astype(int).ravel().tolist()
    return EstimatedDay(tuple(counted), classes=len(table))


@dataclass(frozen=True, slots=True)
class Matrix:
    """``trials`` of one week each, the first of them serving from the beginning; ``days`` oldest first.

    The first ``lead`` days come before the loop served: versions of the first weeks are judged on them. Then follow
    seven days for each trial.
    """

    days: Sequence[PastDay]
    trials: Sequence[Trial]
    lead: int = 0
    monitor: Monitor = field(default_factory=Monitor, compare=False)

    @property
    def weeks(self) -> int:
        """Weeks of the grid."""
        return len(self.trials)

    def first_day(self, week: int) -> int:
        """The place of a week's first day; that of the end for the week after the last."""
        return self.lead + WEEK * week

    def begins(self, week: int) -> Instant:
        """When a week begins."""
        return self.days[self.first_day(week)].window.start

    def days_of(self, week: int) -> range:
        """The places of a week's days."""
        return range(self.first_day(week), self.first_day(week + 1))

    def week_of(self, day: int) -> int:
        """The first week that begins on or after a day's place."""
        return -((self.lead - day) // WEEK)

    def held_out(self, week: int) -> list[int]:
        """Days after a version's cut-off whose labels were mature when it was trained."""
        trial = self.trials[week]
        return [
            place
            for place, day in enumerate(self.days)
            if day.window.start >= trial.cutoff and day.mature_at <= trial.asked_at and _rows(trial, place)
        ]

    def learnt(self, week: int) -> int:
        """How many labels the version of a week learnt from."""
        first, end = self.trials[week].labels
        return end - first

    def promise(self, week: int, confidence: float) -> Interval | None:
        """The skill on held-out days that a version promised; None where they are too few."""
        trial = self.trials[week]
        try:
            return skill_over([trial.sums[place] for place in self.held_out(week)], confidence=confidence)
        except NotEnoughData:
            return None


def _rows(trial: Trial, place: int) -> int:
    return trial.sums[place].rows if place in trial.sums else 0
