"""Whether rows come true as often as they were said to: calibration error of two classes and of many, by sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats, scored
from homeostat.stats.figures.means import classes_scored

GROUPS = 15


@dataclass(frozen=True, slots=True)
class ReliabilitySums:
    """Rows of one block in 15 equally wide groups of what was said: how many, what was said, how many came true.

    >>> day = ReliabilitySums.of([1, 1, 0, 0], [0.9, 0.9, 0.9, 0.9])
    >>> round(day.calibration_error(), 3), (day + day).rows
    (0.4, 8)
    """

    counted: tuple[int, ...]
    said: tuple[float, ...]
    true: tuple[int, ...]

    @classmethod
    def of(cls, labels: ArrayLike, scores: ArrayLike) -> ReliabilitySums:
        """Of a yes-or-no outcome and its probability. Raises: InvalidInput for what is missing or not in [0, 1]."""
        truth, chances = scored(labels, scores)
        return cls._of(truth.astype(np.float64), chances)

    @classmethod
    def of_classes(cls, labels: ArrayLike, probabilities: ArrayLike) -> ReliabilitySums:
        """Of many classes: the chance of the likeliest one, and whether it was right.

        Raises: InvalidInput as `means.class_log_losses`.
        Source: Guo, Pleiss, Sun and Weinberger (2017), ICML, 1321-1330.
        """
        truth, chances = classes_scored(labels, probabilities)
        return cls._of((chances.argmax(axis=1) == truth).astype(np.float64), chances.max(axis=1))

    @classmethod
    def _of(cls, true: Floats, said: Floats) -> ReliabilitySums:
        place = np.minimum((said * GROUPS).astype(np.int64), GROUPS - 1)
        parts = [np.bincount(place, weights=weights, minlength=GROUPS).tolist() for weights in (None, said, true)]
        return cls(tuple(map(int, parts[0])), tuple(parts[1]), tuple(map(int, parts[2])))

    def __add__(self, other: ReliabilitySums) -> ReliabilitySums:
        return ReliabilitySums(
            tuple(a + b for a, b in zip(self.counted, other.counted, strict=True)),
            tuple(a + b for a, b in zip(self.said, other.said, strict=True)),
            tuple(a + b for a, b in zip(self.true, other.true, strict=True)),
        )

    @property
    def rows(self) -> int:
        """Rows counted."""
        return sum(self.counted)

    def calibration_error(self) -> float:
        """The mean gap between what was said and what came true, in [0, 1]; chance alone makes it more than 0.

        Raises: NotEnoughData without rows.
        """
        if not self.rows:
            raise NotEnoughData("Calibration of no rows is undefined.", mend="Wait for labelled rows.", rows=0)
        return float(np.abs(np.subtract(self.true, self.said)).sum() / self.rows)

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        return {"counted": list(self.counted), "said": list(self.said), "true": list(self.true)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ReliabilitySums:
        """Read `to_json` back. Raises: InvalidInput when a part is missing or has another length."""
        try:
            counted, true = (tuple(int(one) for one in value[name]) for name in ("counted", "true"))
            said = tuple(float(one) for one in value["said"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"These are no sums: {error!r}.", mend="Read what to_json wrote.") from error
        if not len(counted) == len(said) == len(true) == GROUPS:
            raise InvalidInput("These sums have other groups.", mend="Count them again.")
        return cls(counted, said, true)
