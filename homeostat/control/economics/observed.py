"""What a loop's own history says of its money: quality by age, traffic, trainings, releases, skew, delays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from statistics import mean, median

from homeostat.control.days import Day
from homeostat.control.economics.figures import Figure, Missing, Told
from homeostat.control.gates import Gate
from homeostat.control.policies.outcomes import Realised
from homeostat.control.policies.retrain import Retrain
from homeostat.control.policies.sustained import Sustained
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import NotEnoughData
from homeostat.kernel.words import plural
from homeostat.monitoring.skew import skew_rate_or_none
from homeostat.registry.models import Version
from homeostat.stats.changes.decay import BLOCK_DAYS, Aged
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import pooled
from homeostat.stats.intervals import wilson_interval

DAY = 86_400_000_000
RECENT_DAYS = 28
"""Days over which the present traffic is told: whole weeks, recent enough to be the present."""
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Observed:
    """One loop as it was measured. ``days`` oldest first; ``versions`` as registered, by name.

    ``trainings`` are the seconds that trainings took, by version; ``released`` candidates went on trial, of which
    ``taken_back`` were taken back; ``retrained_at`` are the instants at which retrainings were asked for. ``gate`` is
    what they pass before. ``yes_or_no``: whether that is what it answers.
    """

    days: Sequence[Day]
    versions: Mapping[str, Version]
    champion: str | None
    trainings: Mapping[str, float]
    released: int
    taken_back: int
    retrained_at: Sequence[Instant]
    replicas: int
    threshold: float
    retrain: Retrain
    gate: Gate
    yes_or_no: bool = True

    @property
    def labelled_days(self) -> int:
        """Days with mature labels."""
        return sum(1 for day in self.days if day.outcomes and day.outcomes.live.rows)

    @property
    def lag(self) -> float:
        """Days between a version's training cut-off and its registration, on average: its age when it begins."""
        return mean((one.created_at - one.pin.cutoff) / DAY for one in self.versions.values())

    @property
    def champion_age(self) -> float | None:
        """Days from the champion's cut-off to the end of the newest day; None without either."""
        version = self.versions.get(self.champion or "")
        return (self.days[-1].end - version.pin.cutoff) / DAY if version and self.days else None

    def aged(self) -> Aged:
        """Skill by age since training cut-off, of every version in every week in which it was scored.

        By the week, for skill is held against the base rate of the same days: that of a single day is known only
        afterwards, and against it no model looks good. Weeks that saw one outcome only are left out.
        """
        weeks = [week for name in self.versions for week in self._weeks(name)]
        names, ages, skills, rows, numbers = ([week[place] for week in weeks] for place in range(5))
        return Aged.of(names, ages, skills, rows, numbers)

    def _weeks(self, name: str) -> list[tuple[str, float, float, int, int]]:
        """A version, its mean age, skill and rows in a week, and the number of the week's first day."""
        found: dict[int, list[tuple[float, Sums]]] = defaultdict(list)
        cutoff = self.versions[name].pin.cutoff
        for day in self.days:
            sums = day.sums_of(name)
            if sums is not None and day.start >= cutoff:
                week = (date.fromisoformat(day.day).toordinal() - _EPOCH) // BLOCK_DAYS
                found[week].append(((day.start - cutoff) / DAY, sums))
        told = []
        for week, seen in found.items():
            whole = pooled([sums for _, sums in seen])
            with suppress(NotEnoughData):
                age = sum(age * sums.rows for age, sums in seen) / whole.rows
                told.append((name, age, whole.figure("skill"), whole.rows, week * BLOCK_DAYS))
        return told


def traffic_of(seen: Observed) -> Told:
    """Predictions a day, lately."""
    recent = seen.days[-RECENT_DAYS:]
    rows = sum(day.inputs.rows for day in recent)
    if not rows:
        return Missing("predictions/day", "no prediction was asked for yet")
    value = rows / len(recent)
    return Figure(value, "predictions/day", f"{plural(rows, 'prediction')} over the last {plural(len(recent), 'day')}")


def training_hours_of(seen: Observed) -> Told:
    """Hours that one training took, on average of those of which it is known."""
    if not seen.trainings:
        return Missing("hours", "no training was measured yet, or its working folder is gone")
    seconds = list(seen.trainings.values())
    basis = f"{plural(len(seconds), 'training')} of {mean(seconds):,.1f} s on average"
    return Figure(mean(seconds) / 3_600, "hours", basis, min(seconds) / 3_600, max(seconds) / 3_600)


def bad_releases_of(seen: Observed) -> Told:
    """The share of releases that were taken back, with its bounds.

    Before the first release it is what the gate promises: as often as a worse candidate may pass it, which is the most
    if candidates are never better; nothing was seen, so that it is bounded by nothing.
    """
    try:
        share = wilson_interval(seen.taken_back, seen.released)
    except NotEnoughData:
        worse = seen.gate.lets_worse_pass
        basis = f"no release yet; of worse candidates the gate lets 1 in {1 / worse:,.0f} pass"
        return Figure(worse, "share", basis, 0.0, 1.0)
    basis = f"{seen.taken_back} of {plural(seen.released, 'release')} taken back"
    return Figure(share.value, "share", basis, share.low, share.high)


def skew_of(seen: Observed, features: Sequence[str]) -> Told:
    """The share of predictions of which a feature was wrong, at least: that of the worst feature."""
    looked = [day.skew for day in seen.days if day.skew is not None]
    rates = [(rate, name) for name in features if (rate := skew_rate_or_none(name, looked)) is not None]
    if not rates:
        return Missing("share", "no served row was recomputed yet")
    rate, name = max(rates, key=lambda one: one[0].interval.value)
    found = rate.interval
    basis = f"{rate.differing:,} of {plural(found.rows, 'recomputed row')}, in {name}, which differs most"
    return Figure(found.value, "share", basis, found.low, found.high)


def detection_days_of(seen: Observed) -> Told:
    """Days until the retraining policy has seen nothing but days of a failure as often as it wants to."""
    waits = [(day.mature_at - day.end) / DAY for day in seen.days]
    if not waits:
        return Missing("days", "no day was measured yet")
    policy = _soonest(seen.retrain)
    if policy is None:
        return Missing("days", "the retraining policy does not look at outcomes: it has no Realised in it")
    labels, (trail, looks) = median(waits), policy
    basis = (
        f"labels mature {labels:.1f} days after a day ends; then {plural(trail, 'day')} of outcomes and"
        f" {plural(looks, 'look')}, one a day"
    )
    return Figure(labels + trail + looks - 1, "days", basis)


def _soonest(retrain: Retrain) -> tuple[int, int] | None:
    """Days of outcomes and looks of the part of a policy that sees a loss of performance soonest."""
    lasting = [one for one in retrain.when.walk() if isinstance(one, Sustained) and isinstance(one.policy, Realised)]
    single = {one: 1 for one in retrain.when.walk() if isinstance(one, Realised)}
    looks = {**single, **{one.policy: one.windows for one in lasting if isinstance(one.policy, Realised)}}
    return min(((one.trail, count) for one, count in looks.items()), key=sum, default=None)


def rhythm_of(seen: Observed) -> Told:
    """Days between retrainings as they were."""
    gaps = [(later - earlier) / DAY for earlier, later in zip(seen.retrained_at, seen.retrained_at[1:], strict=False)]
    if not gaps:
        return Missing("days", "fewer than two retrainings were asked for")
    return Figure(mean(gaps), "days", f"{plural(len(seen.retrained_at), 'retraining')} asked for", min(gaps), max(gaps))
