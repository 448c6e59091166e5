"""What a block of labelled scores boils down to; blocks add, and every performance figure reads the sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, scored
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.intervals import Interval, block_mean_from_sums, jackknife
from homeostat.stats.metrics import auc_from_counts, entropy, log_losses, skill_of, squared_errors

SCORE_BINS = 512
"""Bins of a score histogram, equally wide in arcsin(sqrt(score)): finer near 0 and 1 than at one half."""


@dataclass(frozen=True, slots=True)
class ScoreSums(Sums):
    """Sums over the labelled rows of one block and one scorer: enough for log-loss, skill, Brier and AUC.

    ``positives_by_score`` and ``negatives_by_score`` count rows per bin of the score, in ascending order.
    ``log_loss`` and ``brier`` are sums in nats and squared probability, not means.

    >>> a, b = ScoreSums.of([1], [0.8]), ScoreSums.of([0], [0.3])
    >>> both = a + b
    >>> both.rows, both.positives, both.roc_auc()
    (2, 1, 1.0)
    """

    rows: int
    positives: int
    log_loss: float
    brier: float
    negatives_by_score: tuple[int, ...]
    positives_by_score: tuple[int, ...]

    @classmethod
    def of(cls, labels: ArrayLike, scores: ArrayLike) -> ScoreSums:
        """The sums of raw rows. Raises: InvalidInput for a missing label or score, or one out of range."""
        truth, probabilities = scored(labels, scores)
        return cls(
            rows=int(truth.size),
            positives=int(truth.sum()),
            log_loss=float(log_losses(truth, probabilities).sum()),
            brier=float(squared_errors(truth, probabilities).sum()),
            negatives_by_score=_histogram(probabilities[~truth]),
            positives_by_score=_histogram(probabilities[truth]),
        )

    def __add__(self, other: ScoreSums) -> ScoreSums:
        return ScoreSums(
            self.rows + other.rows,
            self.positives + other.positives,
            self.log_loss + other.log_loss,
            self.brier + other.brier,
            _plus(self.negatives_by_score, other.negatives_by_score),
            _plus(self.positives_by_score, other.positives_by_score),
        )

    def times(self, count: int) -> ScoreSums:
        """The sums of rows of which each stands for so many alike."""
        if count == 1:
            return self
        return ScoreSums(
            self.rows * count,
            self.positives * count,
            self.log_loss * count,
            self.brier * count,
            tuple(one * count for one in self.negatives_by_score),
            tuple(one * count for one in self.positives_by_score),
        )

    @property
    def loss(self) -> float:
        """The log-loss: what every judge looks at."""
        return self.log_loss

    @property
    def unit(self) -> float:
        """Differences are told as they are, in nats."""
        return 1.0

    def constant(self) -> float:
        """The entropy of the base rate, in nats per row; 0 with one class only."""
        return entropy(self.base_rate()) if self.rows else 0.0

    def figure(self, name: str) -> float:
        """Log-loss, Brier score, base rate, skill or AUC of these rows. Raises: NotEnoughData where it is undefined."""
        return _FIGURES[name](self)

    def mean_log_loss(self) -> float:
        """Nats per row. Raises: NotEnoughData without rows."""
        return self.log_loss / self._some_rows()

    def mean_brier(self) -> float:
        """Squared error per row. Raises: NotEnoughData without rows."""
        return self.brier / self._some_rows()

    def base_rate(self) -> float:
        """The share of positive labels. Raises: NotEnoughData without rows."""
        return self.positives / self._some_rows()

    def skill(self) -> float:
        """The part of the base rate's log-loss saved. Raises: NotEnoughData with one class only."""
        return skill_of(self.mean_log_loss(), self.base_rate())

    def roc_auc(self) -> float:
        """AUC in which scores of one bin count as ties; off the exact one by at most `auc_error`."""
        return auc_from_counts(self.negatives_by_score, self.positives_by_score)

    def auc_error(self) -> float:
        """The most that binning can move the AUC: half the pairs of both classes that share a bin."""
        negatives = np.array(self.negatives_by_score, dtype=np.float64)
        positives = np.array(self.positives_by_score, dtype=np.float64)
        pairs = negatives.sum() * positives.sum()
        return float(np.dot(negatives, positives) / pairs / 2.0) if pairs else 0.0

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        return {
            "rows": self.rows,
            "positives": self.positives,
            "log_loss": self.log_loss,
            "brier": self.brier,
            "negatives_by_score": list(self.negatives_by_score),
            "positives_by_score": list(self.positives_by_score),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ScoreSums:
        """Read `to_json` back. Raises: InvalidInput when a part is missing or histograms do not fit."""
        try:
            sums = cls(
                rows=int(value["rows"]),
                positives=int(value["positives"]),
                log_loss=float(value["log_loss"]),
                brier=float(value["brier"]),
                negatives_by_score=tuple(int(count) for count in value["negatives_by_score"]),
                positives_by_score=tuple(int(count) for count in value["positives_by_score"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"These are no sums: {error!r}.", mend="Read what to_json wrote.") from error
        if not len(sums.negatives_by_score) == len(sums.positives_by_score) == SCORE_BINS:
            raise InvalidInput("Score histograms have another length.", mend="Count them again.")
        return sums

    def _some_rows(self) -> int:
        if not self.rows:
            raise NotEnoughData("No labelled rows.", mend="Wait for labels to mature.", rows=0)
        return self.rows


_FIGURES: Mapping[str, Callable[[ScoreSums], float]] = {
    "log_loss": ScoreSums.mean_log_loss,
    "brier": ScoreSums.mean_brier,
    "base_rate": ScoreSums.base_rate,
    "skill": ScoreSums.skill,
    "roc_auc": ScoreSums.roc_auc,
}
Some = TypeVar("Some", bound=Sums)


def pooled(blocks: Sequence[Some]) -> Some:
    """All blocks as one. Raises: NotEnoughData for no block."""
    if not blocks:
        raise NotEnoughData("No block of labelled rows.", mend="Wait for labels to mature.", blocks=0)
    total = blocks[0]
    for block in blocks[1:]:
        total = total + block
    return total


def score_counts(scores: ArrayLike) -> tuple[int, ...]:
    """Rows by bin of their score, in ascending order, before any label is known: `ScoreSums` counts over the same.

    Raises: InvalidInput for a score that is missing or outside [0, 1].

    >>> counted = score_counts([0.0, 0.5, 1.0])
    >>> counted[0], counted[SCORE_BINS // 2], counted[-1]
    (1, 1, 1)
    """
    return _histogram(scored(np.zeros(np.size(scores), dtype=np.bool_), scores)[1])


def log_loss_interval(blocks: Sequence[ScoreSums], *, confidence: float = 0.95) -> Interval:
    """Mean log-loss in nats with block bounds. Raises: NotEnoughData with fewer than 3 blocks."""
    return _mean([block.log_loss for block in blocks], blocks, confidence)


def brier_interval(blocks: Sequence[ScoreSums], *, confidence: float = 0.95) -> Interval:
    """Mean Brier score with block bounds. Raises: NotEnoughData with fewer than 3 blocks."""
    return _mean([block.brier for block in blocks], blocks, confidence)


def base_rate_interval(blocks: Sequence[ScoreSums], *, confidence: float = 0.95) -> Interval:
    """Share of positive labels with block bounds. Raises: NotEnoughData with fewer than 3 blocks."""
    return _mean([block.positives for block in blocks], blocks, confidence)


def skill_interval(blocks: Sequence[ScoreSums], *, confidence: float = 0.95) -> Interval:
    """Skill with bounds by leaving out blocks: it moves with loss and base rate together.

    Raises: NotEnoughData with fewer than 3 blocks, or when leaving one out leaves one class.
    """
    used = _with_rows(blocks)
    parts = [(block.log_loss, block.positives, block.rows) for block in used]
    rows = sum(block.rows for block in used)
    return jackknife(
        lambda total: skill_of(float(total[0] / total[2]), float(total[1] / total[2])),
        np.reshape(np.array(parts, dtype=np.float64), (-1, 3)),
        rows=rows,
        confidence=confidence,
    )


def auc_interval(blocks: Sequence[ScoreSums], *, confidence: float = 0.95) -> Interval:
    """AUC with bounds by leaving out blocks. Raises: as `skill_interval`."""
    used = _with_rows(blocks)
    parts = [block.negatives_by_score + block.positives_by_score for block in used]
    return jackknife(
        lambda total: auc_from_counts(total[:SCORE_BINS], total[SCORE_BINS:]),
        np.reshape(np.array(parts, dtype=np.float64), (-1, 2 * SCORE_BINS)),
        rows=sum(block.rows for block in used),
        confidence=confidence,
    )


def _mean(sums: Sequence[float], blocks: Sequence[ScoreSums], confidence: float) -> Interval:
    return block_mean_from_sums(sums, [block.rows for block in blocks], confidence=confidence)


def _with_rows(blocks: Sequence[ScoreSums]) -> list[ScoreSums]:
    return [block for block in blocks if block.rows]


def _histogram(scores: Floats) -> tuple[int, ...]:
    place = np.arcsin(np.sqrt(scores)) * (2.0 / np.pi * SCORE_BINS)
    bins = np.minimum(place.astype(np.int64), SCORE_BINS - 1)
    return tuple(np.bincount(bins, minlength=SCORE_BINS).tolist())


def _plus(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(first, second, strict=True))
