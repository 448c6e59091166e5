"""Whether rows whose labels never came look different from those with one: figures speak of the latter only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.verdicts import INCONCLUSIVE, Reason, Verdict, figure
from homeostat.kernel.words import plural
from homeostat.monitoring.signals import EXCEEDED, WITHIN, Unknown
from homeostat.stats.arrays import Floats, counts, same_length

LIMIT = 0.1
"""A fixed limit: a tenth of the rows without a label would have to lie elsewhere, beyond what chance alone moves."""
SCORE_GROUPS = 32
SCORES = "prediction"
"""The name under which rows are counted by score, in 32 groups of the bins of `stats.figures.sums.ScoreSums`."""


@dataclass(frozen=True, slots=True)
class Apart:
    """How far rows without a label lie from those with one in one input, or in the score.

    ``distance`` is the share of them that would have to lie in other bins, 0 to 1 (total variation); ``chance`` what so
    few rows show on average although nothing differs, rows being independent. ``rows`` are those without a label.
    """

    subject: str
    distance: float | Unknown
    chance: float | None
    rows: int

    @property
    def excess(self) -> float | None:
        """What is left of the distance when chance is taken off."""
        return None if isinstance(self.distance, Unknown) or self.chance is None else self.distance - self.chance


def apart(subject: str, absent: ArrayLike, present: ArrayLike, *, most_chance: float = LIMIT) -> Apart:
    """Compare counts of both kinds of rows over the same bins, missing values in a bin of their own.

    Unknown, and why: ``no_row_lacks_a_label``, ``no_labelled_row``, ``too_few_rows`` where chance alone shows more
    than ``most_chance``. Raises: InvalidInput for counts that do not fit.

    >>> apart("hour", [400, 0], [5_000, 5_000]).distance, apart("hour", [2, 1], [50, 50]).distance
    (0.5, Unknown(reason='too_few_rows'))
    """
    without, with_ = counts("absent", absent), counts("present", present)
    same_length(absent=without, present=with_)
    rows = int(without.sum())
    if not rows or not with_.any():
        return Apart(subject, Unknown("no_labelled_row" if rows else "no_row_lacks_a_label"), None, rows)
    chance = _by_chance(without + with_, float(rows), float(with_.sum()))
    if chance > most_chance:
        return Apart(subject, Unknown("too_few_rows"), chance, rows)
    distance = float(np.abs(without / without.sum() - with_ / with_.sum()).sum() / 2.0)
    return Apart(subject, distance, chance, rows)


def judge_absent(seen: Sequence[Apart], limit: float = LIMIT) -> Verdict:
    """WITHIN where no input differs, EXCEEDED with each that does, INCONCLUSIVE where nothing could be compared and
    labels lack; none lacking is WITHIN."""
    over = [one for one in seen if (one.excess or 0.0) > limit]
    if over:
        return Verdict(EXCEEDED, tuple(_reason(one, limit, "above", ">") for one in over))
    known = [one for one in seen if one.excess is not None]
    if known:
        worst = max(known, key=lambda one: one.excess or 0.0)
        return Verdict(WITHIN, (_reason(worst, limit, "within", "<="),))
    none_lacks = bool(seen) and not any(one.rows for one in seen)
    if none_lacks:
        return Verdict(WITHIN, (Reason("every_label_came", 0, limit, "no row whose label was due lacks one"),))
    code = next((one.distance.reason for one in seen if isinstance(one.distance, Unknown)), "nothing_counted")
    text = f"{code.replace('_', ' ')}, limit {figure(limit)}"
    return Verdict(INCONCLUSIVE, (Reason(code, None, limit, text),))


def by_score(rows_by_score: Sequence[int]) -> tuple[int, ...]:
    """Rows by score in the 32 groups in which they are compared."""
    grouped = np.reshape(np.asarray(rows_by_score, dtype=np.int64), (SCORE_GROUPS, -1)).sum(axis=1)
    return tuple(int(one) for one in grouped)


def _by_chance(together: Floats, without: float, with_: float) -> float:
    """The mean total variation of two samples of one distribution: half the mean absolute gap of each bin."""
    share = together / together.sum()
    return float(np.sqrt(2.0 / np.pi * share * (1.0 - share) * (1.0 / without + 1.0 / with_)).sum() / 2.0)


def _reason(one: Apart, limit: float, code: str, sign: str) -> Reason:
    text = (
        f"{one.subject}: {figure(one.excess)} of {plural(one.rows, 'row')} without a label lie elsewhere,"
        f" beyond chance, {sign}"
        f" limit {figure(limit)}"
    )
    return Reason(f"absent_{code}", one.excess, limit, text)
