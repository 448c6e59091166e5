"""When retraining pays: lost skill that lasts, an emergency, or age; never input drift alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeostat.kernel.clock import Instant, duration, format_instant
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import HOLD, INCONCLUSIVE, RETRAIN, Reason, Verdict, figure

if TYPE_CHECKING:
    from homeostat.stats.intervals import Interval


@dataclass(frozen=True, slots=True)
class Retrain:
    """Limits of the retraining policy. Skill is 1 - log-loss / entropy of the base rate: 0 knows nothing more
    than the base rate of the same days, so that a moving base rate is no loss of performance.

    ``tolerance``: skill below the promise that is still normal. ``trail``: days of matured outcomes per look.
    ``sustained``: looks in a row, one a day, whose upper bound (of a two-sided interval at ``confidence``) lies
    below the promise. ``cool_down``: least time between retrainings. ``emergency_skill``: the limit of the skill
    itself over ``emergency_trail`` days since the last retraining; below it, retrain at once. ``max_age``: longest
    time without retraining. ``holdout``: span of newest matured rows kept for evaluation; ``first_holdout``: the
    same for a first version, which has less to spare. ``min_rows``: fewest rows to train on. ``history``: how far
    back training reaches; all of it when None.
    """

    tolerance: float = 0.02
    trail: int = 14
    sustained: int = 3
    confidence: float = 0.9
    emergency_skill: float = -0.1
    emergency_trail: int = 3
    cool_down: str = "14d"
    max_age: str = "60d"
    holdout: str = "7d"
    first_holdout: str = "7d"
    min_rows: int = 2_000
    history: str | None = None

    def __post_init__(self) -> None:
        for text in (self.cool_down, self.max_age, self.holdout, self.first_holdout, self.history):
            _ = text is None or duration(text)
        if min(self.trail, self.emergency_trail) < 3 or self.sustained < 1:
            raise InvalidInput(
                "A retraining policy looks at too few days.",
                mend="Give trail and emergency_trail of at least 3 days and sustained of at least 1.",
            )


@dataclass(frozen=True, slots=True)
class Look:
    """The champion's skill over the days up to ``day``; None when it is not defined there."""

    day: str
    skill: Interval | None


@dataclass(frozen=True, slots=True)
class Record:
    """What the champion promised and how it has done since the last retraining was asked for.

    ``looks`` are trailing skills, oldest first; ``emergency`` the newest over the short trail.
    """

    now: Instant
    champion: str
    retrained_at: Instant
    promise: Interval | None
    looks: Sequence[Look]
    emergency: Interval | None


@dataclass(frozen=True, slots=True)
class Matured:
    """Labelled rows that a first version would be trained on, and later days with labels to judge it by."""

    rows: int
    days: int


def judge_first(matured: Matured, limits: Retrain, min_days: int) -> Verdict:
    """Train a first version once there are rows to train on and days to judge it by; ``min_days`` are the gate's.

    Both are counted around the very cut-off that the training will have: while history is still being sent, its
    newest days are not there yet, and a version that nothing can judge would only be turned away.
    """
    if matured.rows < limits.min_rows:
        text = f"{matured.rows} labelled rows to train on < {limits.min_rows} needed"
        return _verdict(INCONCLUSIVE, "too_few_rows", matured.rows, limits.min_rows, text)
    if matured.days < min_days:
        text = f"{matured.days} later days with labels to judge by < {min_days} needed"
        return _verdict(INCONCLUSIVE, "too_few_days", matured.days, min_days, text)
    text = (
        f"no version yet; {matured.rows} labelled rows to train on >= {limits.min_rows},"
        f" {matured.days} later days to judge by >= {min_days}"
    )
    return _verdict(RETRAIN, "first_version", matured.rows, limits.min_rows, text)


def judge_retrain(record: Record, limits: Retrain) -> Verdict:
    """Retrain on an emergency, on a loss that lasts, or on age; otherwise hold and say why."""
    seen = record.emergency
    if seen is not None and seen.value < limits.emergency_skill:
        text = f"skill {figure(seen.value)} over {seen.blocks} days < emergency limit {figure(limits.emergency_skill)}"
        return _verdict(RETRAIN, "emergency", seen.value, limits.emergency_skill, text)
    age = record.now - record.retrained_at
    if age < duration(limits.cool_down):
        return _verdict(
            HOLD,
            "cooling_down",
            _days(age),
            limits.cool_down,
            f"retrained {_days(age)} days ago < {limits.cool_down}",
        )
    lasting = _sustained_loss(record, limits)
    if lasting.name == RETRAIN or age + duration("1d") <= duration(limits.max_age):
        return lasting
    text = f"{_days(age)} days since {format_instant(record.retrained_at)}: one more would exceed {limits.max_age}"
    return _verdict(RETRAIN, "too_old", _days(age), limits.max_age, text)


def _sustained_loss(record: Record, limits: Retrain) -> Verdict:
    if record.promise is None:
        return _verdict(INCONCLUSIVE, "no_promise", None, None, f"{record.champion} made no promise to hold it to")
    looks = [look for look in record.looks[-limits.sustained :] if look.skill is not None]
    if len(looks) < limits.sustained:
        text = f"{len(looks)} looks with enough days < {limits.sustained} needed"
        return _verdict(INCONCLUSIVE, "too_few_looks", len(looks), limits.sustained, text)
    bound = record.promise.value - limits.tolerance
    highest = max(look.skill.high for look in looks if look.skill is not None)
    quoted = f"promised {figure(record.promise.value)} - {figure(limits.tolerance)}"
    if highest < bound:
        text = f"skill at most {figure(highest)} < {quoted}, {limits.sustained} looks in a row to {looks[-1].day}"
        return _verdict(RETRAIN, "lasting_loss", highest, bound, text)
    text = f"skill may be {figure(highest)} >= {quoted}"
    return _verdict(HOLD, "as_promised", highest, bound, text)


def _days(span: int) -> float:
    return round(span / duration("1d"), 1)


def _verdict(name: str, code: str, observed: float | None, limit: float | str | None, text: str) -> Verdict:
    return Verdict(name, (Reason(code, observed, limit, text),))
