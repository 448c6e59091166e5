"""One statement for all inputs: evidence that limits are exceeded more often than they were promised to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.drifting import Drifted
from homeostat.monitoring.signals import Unknown
from homeostat.stats.looks.evidence import exceedance_evidence, mean_e_value

BLOCK = 7
"""Windows of few days are taken together by the week: what exceeds today often does tomorrow, and each counts once."""


@dataclass(frozen=True, slots=True)
class SpanEvidence:
    """Of windows of ``span`` days so many ``blocks`` that share no day; in how many some earned limit was ``exceeded``;
    the ``rate`` that is promised of a block at most; and the e-value after the last."""

    span: int
    blocks: int
    exceeded: int
    rate: float
    e_value: float


@dataclass(frozen=True, slots=True)
class JointDrift:
    """E-values of every length of window, and ``e_value``, their mean: an e-value however they depend on one another.

    Where limits keep what they promise it reaches e at any look with a chance of 1/e at most.
    """

    e_value: float
    spans: tuple[SpanEvidence, ...]

    @property
    def chance(self) -> float:
        """The most likely that so much evidence comes by chance, looked at now."""
        return min(1.0, 1.0 / self.e_value) if self.e_value > 0.0 else 1.0


def joint_drift(days: Sequence[Iterable[Drifted]], *, quiet_windows: int) -> JointDrift | Unknown:
    """Of days that were held against one reference, oldest first; limits that are not earned promise nothing.

    All earned limits together are exceeded on one day in ``quiet_windows`` at most where nothing changes: so is any
    length of window alone, and in as many times as many weeks those that lie whole in one: seven of a day, five of
    three. Blocks share no day; that they do not depend on one another is assumed.
    Unknown: ``limits_not_earned``, or ``too_few_days`` before the first block is full.
    """
    told = [_exceeded(parts) for parts in days]
    spans = sorted({span for day in told for span in day})
    if not spans:
        return Unknown("limits_not_earned" if days else "too_few_days")
    found = [one for span in spans if (one := _of_span(span, [day.get(span) for day in told], quiet_windows))]
    if not found:
        return Unknown("too_few_days")
    return JointDrift(mean_e_value([one.e_value for one in found]), tuple(found))


def _exceeded(parts: Iterable[Drifted]) -> dict[int, bool]:
    """By length of window whether any earned limit was exceeded; nothing of lengths without one."""
    found: dict[int, bool] = {}
    for part in parts:
        above = set(part.above)
        known = [
            name
            for name, value in part.values.items()
            if value is not None and part.kinds.get(name, "earned") == "earned"
        ]
        if known and not part.season:
            found[part.span] = found.get(part.span, False) or any(name in above for name in known)
    return found


def _of_span(span: int, looks: Sequence[bool | None], quiet: int) -> SpanEvidence | None:
    """Short windows by the week in which they lie whole, long ones one after the other."""
    known, block = [look for look in looks if look is not None], max(BLOCK, span)
    starts = range(0, len(known) - block + 1, block)
    blocks = [any(known[start + span - 1 : start + block]) for start in starts]
    rate = min(0.5, (block - span + 1) / quiet)
    try:
        evidence = exceedance_evidence([float(one) for one in blocks], 0.5, rate=rate)
    except NotEnoughData:
        return None
    return SpanEvidence(span, len(blocks), sum(blocks), rate, evidence.e_value)
