"""Policies of time and of volume: how long since the last retraining, and how much was learnt since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from homeostat.control.policies.base import Needs, Policy, whole
from homeostat.control.policies.findings import Finding, fires, holds, unknown
from homeostat.control.policies.situation import Situation
from homeostat.kernel.clock import Duration, duration, format_instant
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.words import plural

DAY = duration("1d")


@dataclass(frozen=True, slots=True)
class Schedule(Policy):
    """By the calendar: ``at_latest`` so long after the last retraining was asked for, or ``not_before``.

    One of both. A ceiling is combined by ``|``: it fires a day before its time would be exceeded, for looks are a day
    apart. A floor is combined by ``&``: it holds back what the other one fires; ``Retrain.cool_down`` holds back all.
    Raises: InvalidInput for both, none, or what is no duration.

    >>> Schedule(at_latest="60d").ceiling, Schedule(not_before="7d").ceiling
    (True, False)
    """

    at_latest: str | None = None
    not_before: str | None = None
    kind: ClassVar[str] = "schedule"

    def __post_init__(self) -> None:
        given = [text for text in (self.at_latest, self.not_before) if text is not None]
        if len(given) != 1:
            raise InvalidInput(
                "A schedule is either a ceiling or a floor.",
                mend="Give one of at_latest='60d' and not_before='7d'; two schedules can be combined.",
            )
        duration(given[0])

    @property
    def ceiling(self) -> bool:
        """Whether it fires at the latest after a time."""
        return self.at_latest is not None

    @property
    def floor(self) -> bool:
        """Whether it only holds back."""
        return self.not_before is not None

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many days ago."""
        age = seen.now - back * DAY - seen.since
        if self.at_latest is not None:
            return self._ceiling(seen, age, self.at_latest)
        floor = str(self.not_before)
        text = f"{days(age)} days since {format_instant(seen.since)}"
        if age < duration(floor):
            return holds(self.kind, "too_soon", days(age), floor, f"{text} < {floor}")
        return fires(self.kind, "late_enough", days(age), floor, f"{text} >= {floor}")

    def _ceiling(self, seen: Situation, age: Duration, limit: str) -> Finding:
        text = f"{days(age)} days since {format_instant(seen.since)}"
        if age > duration(limit):
            return fires(self.kind, "too_old", days(age), limit, f"{text} > {limit}")
        if age + DAY > duration(limit):
            return fires(self.kind, "too_old", days(age), limit, f"{text}: one more would exceed {limit}")
        return holds(self.kind, "young_enough", days(age), limit, f"{text}, and one more, <= {limit}")

    def needs(self, windows: int = 1) -> Needs:
        """Nothing that is measured."""
        return Needs()


@dataclass(frozen=True, slots=True)
class Volume(Policy):
    """``rows`` labelled rows have matured since the last retraining was asked for: there is something new to learn.

    >>> Volume(rows=10_000).to_json()
    {'kind': 'volume', 'rows': 10000}
    """

    rows: int
    kind: ClassVar[str] = "volume"

    def __post_init__(self) -> None:
        whole(self.kind, "rows", self.rows, least=1)

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many matured days before the newest; before the first there were none."""
        counted = seen.labelled[-1 - back] if back < len(seen.labelled) else 0
        text = f"{plural(counted, 'labelled row')} since the last retraining"
        if counted >= self.rows:
            return fires(self.kind, "enough_rows", counted, self.rows, f"{text} >= {self.rows:,}")
        return holds(self.kind, "too_few_new_rows", counted, self.rows, f"{text} < {self.rows:,}")

    def needs(self, windows: int = 1) -> Needs:
        """Rows as of each window."""
        return Needs(labelled=windows)


@dataclass(frozen=True, slots=True)
class Growth(Policy):
    """There is ``share`` more to learn from: so many of the rows that the champion learnt from matured since.

    A young version is followed soon and an old one late, as learning curves would have it: each learns from twice
    the rows of the one before. Where ``Retrain.history`` bounds what is learnt
    from, it is a share of that. It counts from when the last retraining was asked for.

    >>> Growth().to_json()
    {'kind': 'growth', 'share': 1.0}
    """

    share: float = 1.0
    kind: ClassVar[str] = "growth"

    def __post_init__(self) -> None:
        self._keep_number("share", low=0.0)

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many matured days before the newest; before the first there were none."""
        if seen.learnt is None:
            text = "how many rows the champion learnt from is not known"
            return unknown(self.kind, "learnt_unknown", text, self.share)
        counted = seen.labelled[-1 - back] if back < len(seen.labelled) else 0
        text, share = f"{plural(counted, 'labelled row')} since the last retraining", counted / max(seen.learnt, 1)
        limit = f"{self.share:g} of the {seen.learnt:,} that {seen.champion} learnt from"
        if share >= self.share:
            return fires(self.kind, "grown", share, self.share, f"{text} >= {limit}")
        return holds(self.kind, "not_grown", share, self.share, f"{text} < {limit}")

    def needs(self, windows: int = 1) -> Needs:
        """Rows as of each window."""
        return Needs(labelled=windows)


def days(span: Duration) -> float:
    """A span in days, as it is told."""
    return round(span / DAY, 1)
