"""Is a feature too good to be true? What is known about it goes in; suspicions that quote both sides come out.

Joins are bitemporal, so nothing that was *recorded* late reaches a training row. What they cannot see is a producer
who states times too early, a label that was copied into a column, or one that was averaged into it beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import CLEAR, INCONCLUSIVE, SUSPICIOUS, Reason, Verdict, figure
from homeostat.kernel.words import plural
from homeostat.stats.intervals import Interval


@dataclass(frozen=True, slots=True)
class AuditLimits:
    """What is still believable. Intervals are by day at ``confidence``; a bound must pass a limit, not a value.

    ``auc``: what one feature alone may reach. ``fall``: what it may lose in AUC when the join is shifted back by
    the label's delay, unless looking as far ahead gains at least half as much. ``late``: the share of rows whose
    value may stand on facts known only after the question. ``copied``: agreement with a column of the label.
    ``chance``: how much it may know of the chance in the rates of the label. ``min_days``: below, nothing is said.
    """

    auc: float = 0.9
    fall: float = 0.1
    late: float = 0.001
    copied: float = 0.95
    chance: float = 0.1
    min_days: int = 5
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not 0.5 < self.auc < 1 or not 0.5 < self.confidence < 1 or self.min_days < 3:
            raise InvalidInput(
                f"An audit with AUC limit {self.auc}, confidence {self.confidence} and {self.min_days} days finds "
                "nothing, or everything.",
                mend="Give an AUC limit and a confidence between 0.5 and 1, and at least 3 days.",
            )


@dataclass(frozen=True, slots=True)
class FeatureSeen:
    """What was measured of one feature on ``rows`` labelled rows of ``days`` days; None is unknown.

    ``fall`` is its AUC as defined less that with the join shifted back, ``gain`` the AUC shifted ahead less that as
    defined; None where a shift changes nothing. ``late`` is the share of rows that stand on facts known after the
    question, ``own`` the share whose own label the join already shows, for a view of the label's table.
    ``copies`` names the column of the label that it agrees with most, and how far; ``encodes`` the column of whose
    values' rates of the label it is made, and how much of their chance it knows.
    """

    feature: str
    rows: int
    days: int
    auc: Interval | None
    fall: Interval | None = None
    gain: Interval | None = None
    late: float | None = None
    own: float | None = None
    copies: tuple[str, float] | None = None
    encodes: tuple[str, Interval] | None = None


def judge_feature(seen: FeatureSeen, limits: AuditLimits) -> Verdict:
    """Suspicious with every reason there is; clear only where its AUC is known."""
    reasons = tuple(_suspicions(seen, limits))
    if reasons:
        return Verdict(SUSPICIOUS, reasons)
    if seen.auc is None or seen.days < limits.min_days:
        text = f"labels on {plural(seen.days, 'day')} < {limits.min_days} needed, or of one outcome only"
        return Verdict(INCONCLUSIVE, (Reason("too_few_days", seen.days, limits.min_days, text),))
    text = f"univariate AUC {figure(seen.auc.value)} (at most {figure(seen.auc.high)}) with limit {figure(limits.auc)}"
    return Verdict(CLEAR, (Reason("auc_believable", seen.auc.value, limits.auc, text),))


def _suspicions(seen: FeatureSeen, limits: AuditLimits) -> Iterator[Reason]:
    if seen.copies is not None and seen.copies[1] > limits.copied:
        column, share = seen.copies
        text = f"it agrees with the label's own {column} in {share:.1%} of the rows > {limits.copied:.0%}"
        yield Reason("copies_the_label", share, limits.copied, text)
    if seen.own is not None and seen.own > limits.late:
        text = f"the row's own label is already visible to the join in {seen.own:.1%} of the rows > {limits.late:.1%}"
        yield Reason("own_label_visible", seen.own, limits.late, text)
    if seen.late is not None and seen.late > limits.late:
        text = f"in {seen.late:.1%} of the rows > {limits.late:.1%} it stands on facts known only after the question"
        yield Reason("known_too_late", seen.late, limits.late, text)
    if seen.days < limits.min_days:
        return
    if seen.auc is not None and seen.auc.low > limits.auc:
        text = f"univariate AUC {figure(seen.auc.value)} (at least {figure(seen.auc.low)}) > {figure(limits.auc)}"
        yield Reason("too_good", seen.auc.low, limits.auc, text)
    if seen.encodes is not None and seen.encodes[1].low > limits.chance:
        column, known = seen.encodes
        text = (
            f"per {column} it knows at least {figure(known.low)} > {figure(limits.chance)} of the chance in these very "
            "labels: it was averaged from them"
        )
        yield Reason("encodes_the_label", known.low, limits.chance, text)
    yield from _collapse(seen, limits)


def _collapse(seen: FeatureSeen, limits: AuditLimits) -> Iterator[Reason]:
    """Honest news of yesterday tells less than that of today, and today's less than tomorrow's. News that tells much
    now, little before, and no more when one looks ahead is itself from ahead."""
    if seen.fall is None or seen.gain is None or seen.fall.low <= limits.fall:
        return
    if seen.gain.high < seen.fall.value / 2:
        text = (
            f"AUC falls by {figure(seen.fall.value)} (at least {figure(seen.fall.low)} > {figure(limits.fall)}) when "
            f"the join is shifted back by the label's delay, and looking as far ahead gains at most "
            f"{figure(seen.gain.high)} < {figure(seen.fall.value / 2)}"
        )
        yield Reason("tells_the_future", seen.fall.low, limits.fall, text)
