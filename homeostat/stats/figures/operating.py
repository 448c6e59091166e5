"""From which score on an answer should be yes, where a false yes and a false no cost different amounts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats
from homeostat.stats.figures.sums import SCORE_BINS, ScoreSums
from homeostat.stats.intervals import MIN_BLOCKS, Interval, block_mean_from_sums

EDGES = np.round((1 - np.cos(np.arange(SCORE_BINS + 1) * (np.pi / SCORE_BINS))) / 2, 15)
"""Thresholds that can be told apart: the edges of the bins in which scores are counted."""
_DRAWS, _SEED = 400, 7


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The threshold at which errors cost least, beside the one in use; costs are per row.

    ``threshold`` has bounds from drawing blocks anew. ``cost`` is what it cost on the very rows it was chosen on;
    ``saving`` what it saves against ``present`` where it was chosen on all other blocks: that one is not flattered.
    ``calibrated`` is where the threshold would be if scores were true probabilities.
    """

    threshold: Interval
    cost: float
    present: float
    present_cost: float
    saving: Interval
    calibrated: float

    @property
    def proven(self) -> bool:
        """Whether moving the threshold saves something beyond doubt."""
        return self.saving.low > 0


def operating_point(
    blocks: Sequence[ScoreSums], *, false_positive: float, false_negative: float, present: float
) -> OperatingPoint:
    """Find the threshold that makes errors cheapest, and what moving to it is worth.

    Args: what one false yes and one false no cost, at least 0 and not both 0; ``present`` is the threshold in use,
    taken at the nearest edge of a bin. An answer is yes from the threshold on.
    Raises: InvalidInput for such costs; NotEnoughData with fewer than 3 blocks with rows, or with one class only.
    Source: Elkan (2001), The foundations of cost-sensitive learning, IJCAI.

    >>> day = ScoreSums.of([1, 1, 0, 0, 0], [0.9, 0.4, 0.35, 0.2, 0.1])
    >>> found = operating_point([day] * 3, false_positive=1, false_negative=4, present=0.5)
    >>> round(found.threshold.value, 2), found.cost, found.present_cost, found.saving.value
    (0.38, 0.0, 0.8, 0.8)
    """
    costs = (false_positive, false_negative)
    if not all(math.isfinite(one) and one >= 0 for one in costs) or not any(costs):
        raise InvalidInput(
            f"Errors that cost {false_positive} and {false_negative} weigh nothing.",
            mend="Give what a false yes and a false no cost, at least 0 and not both 0.",
        )
    used = [block for block in blocks if block.rows]
    _both_classes(used)
    table = np.stack([_costs_of(block, *costs) for block in used])
    rows = np.array([block.rows for block in used], dtype=np.float64)
    whole, now = table.sum(axis=0), int(np.abs(EDGES - present).argmin())
    best = _cheapest(whole)
    return OperatingPoint(
        threshold=_bounded(table, float(EDGES[best]), rows),
        cost=float(whole[best] / rows.sum()),
        present=float(EDGES[now]),
        present_cost=float(whole[now] / rows.sum()),
        saving=_saving(table, rows, now),
        calibrated=false_positive / (false_positive + false_negative),
    )


def _costs_of(block: ScoreSums, false_positive: float, false_negative: float) -> Floats:
    """What a block's errors cost at every threshold."""
    missed = np.concatenate([[0.0], np.cumsum(block.positives_by_score, dtype=np.float64)])
    refused = np.concatenate([[0.0], np.cumsum(block.negatives_by_score, dtype=np.float64)])
    return np.asarray(false_negative * missed + false_positive * (refused[-1] - refused), dtype=np.float64)


def _cheapest(costs: Floats) -> int:
    """The middle of the longest run of thresholds that cost least: the same whichever end one comes from."""
    least = np.flatnonzero(costs <= costs.min() * (1 + 1e-12))
    runs = np.split(least, np.flatnonzero(np.diff(least) > 1) + 1)
    longest = max(runs, key=len)
    return int(longest[len(longest) // 2])


def _saving(table: Floats, rows: Floats, now: int) -> Interval:
    whole = table.sum(axis=0)
    chosen = [_cheapest(whole - block) for block in table]
    saved = [float(block[now] - block[place]) for block, place in zip(table, chosen, strict=True)]
    return block_mean_from_sums(saved, rows)


def _bounded(table: Floats, value: float, rows: Floats) -> Interval:
    blocks = len(table)
    draws = np.random.default_rng(_SEED).multinomial(blocks, np.full(blocks, 1 / blocks), size=_DRAWS)
    found = [float(EDGES[_cheapest(costs)]) for costs in draws @ table]
    low, high = np.quantile(found, [0.025, 0.975])
    return Interval(value, min(value, float(low)), max(value, float(high)), blocks, int(rows.sum()), 0.95)


def _both_classes(used: Sequence[ScoreSums]) -> None:
    rows, positives = sum(block.rows for block in used), sum(block.positives for block in used)
    if len(used) < MIN_BLOCKS or not 0 < positives < rows:
        raise NotEnoughData(
            f"{len(used)} days with {positives} of {rows} labels true say nothing of errors of both kinds.",
            mend=f"Wait for at least {MIN_BLOCKS} days with labels of both kinds.",
            days=len(used),
        )
