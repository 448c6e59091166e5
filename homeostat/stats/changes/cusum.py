"""The quickest sum: evidence of a small lasting shift adds up until it is beyond chance."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import finite


@dataclass(frozen=True, slots=True)
class Cusum:
    """Alarms when the excess over ``mean``, less ``slack`` a block, has added up to more than ``limit``.

    ``deviation`` is that of one block without change, in the unit of the values, as ``mean`` is; ``slack`` and
    ``limit`` are in deviations. Half the shift to be found is the best slack; 0.5 and 5 alarm falsely once in some 470
    blocks, both sides together, where blocks are independent and normal, and see a shift of one deviation after some
    10. Blocks that are autocorrelated alarm far more often.
    Source: Page (1954), Biometrika 41(1/2), 100-115; Montgomery (2019), Statistical Quality Control, chapter 9.

    >>> Cusum(mean=0.0, deviation=1.0).alarms([0.1, -0.4, 0.2, 2.0, 2.5, 1.8, 2.2, 2.1])
    (6,)
    """

    mean: float
    deviation: float
    slack: float = 0.5
    limit: float = 5.0

    def __post_init__(self) -> None:
        """Raises: InvalidInput for a deviation or a limit that is not above 0, or a negative slack."""
        if not (self.deviation > 0.0 and self.limit > 0.0 and self.slack >= 0.0):
            raise InvalidInput(
                "A detector without deviation, slack or limit.", mend="Pass deviation > 0, slack >= 0, limit > 0."
            )

    def alarms(self, values: ArrayLike) -> tuple[int, ...]:
        """The places, counted from 0, at which it alarms; after each it starts anew from 0.

        Args: one value per block, in order of time.
        Raises: NotEnoughData without values; InvalidInput for missing ones.
        """
        scores = (finite("values", values) - self.mean) / self.deviation
        if not scores.size:
            raise NotEnoughData("No values to look at.", mend="Wait for the first block.", values=0)
        found: list[int] = []
        up = down = 0.0
        for place, score in enumerate(scores.tolist()):
            up, down = max(0.0, up + score - self.slack), max(0.0, down - score - self.slack)
            if max(up, down) > self.limit:
                found.append(place)
                up = down = 0.0
        return tuple(found)
