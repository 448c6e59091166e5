"""Page-Hinkley and ADWIN: detectors that learn the level of a stream and alarm when it is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import finite

if TYPE_CHECKING:
    from river.base import DriftDetector


@dataclass(frozen=True, slots=True)
class PageHinkley:
    """Alarms when values have been beyond their own running mean by ``limit`` in sum, ``slack`` a block forgiven.

    ``limit`` and ``slack`` are in the unit of the values; ``least`` blocks are read before the first alarm.
    Source: Page (1954), Biometrika 41(1/2), 100-115; as river.drift.PageHinkley.

    >>> PageHinkley(limit=2.0, slack=0.05, least=5).alarms([0.1] * 20 + [0.9] * 10)
    (22,)
    """

    limit: float
    slack: float
    least: int = 10
    direction: Literal["up", "down", "both"] = "both"

    def __post_init__(self) -> None:
        """Raises: InvalidInput for a limit that is not above 0, a negative slack or nothing to read first."""
        if not (self.limit > 0.0 and self.slack >= 0.0 and self.least >= 1):
            raise InvalidInput("A detector without a limit.", mend="Pass limit > 0, slack >= 0 and least >= 1.")

    def alarms(self, values: ArrayLike) -> tuple[int, ...]:
        """Where it alarms. Raises: NotEnoughData with fewer than ``least`` values; InvalidInput for missing ones."""
        from river import drift  # two seconds that a rollback need not wait for

        detector = drift.PageHinkley(
            min_instances=self.least, delta=self.slack, threshold=self.limit, alpha=1.0, mode=self.direction
        )
        return _alarms(detector, values, self.least)


@dataclass(frozen=True, slots=True)
class Adwin:
    """Alarms when two parts of a window that grows until then differ in mean by more than chance explains.

    ``chance`` is that of a false alarm at one look, in (0, 1), for values in [0, 1]; a wider range alarms more often
    than that. Looks after every block.
    Source: Bifet and Gavalda (2007), SIAM International Conference on Data Mining, 443-448; as river.drift.ADWIN.

    >>> Adwin().alarms([0.1, 0.3] * 30 + [0.8, 0.9] * 15)
    (87,)
    """

    chance: float = 0.002
    least: int = 10

    def __post_init__(self) -> None:
        """Raises: InvalidInput for a chance outside (0, 1) or nothing to read first."""
        if not (0.0 < self.chance < 1.0 and self.least >= 1):
            raise InvalidInput("A detector without a chance.", mend="Pass chance in (0, 1) and least >= 1.")

    def alarms(self, values: ArrayLike) -> tuple[int, ...]:
        """Where it alarms. Raises: NotEnoughData with ``least`` values or fewer; InvalidInput for missing ones."""
        from river import drift

        return _alarms(drift.ADWIN(delta=self.chance, clock=1, grace_period=self.least), values, self.least + 1)


def _alarms(detector: DriftDetector, values: ArrayLike, least: int) -> tuple[int, ...]:
    stream = finite("values", values)
    if stream.size < least:
        raise NotEnoughData(
            f"{stream.size} values are too few to alarm on; {least} are the least.",
            mend="Wait for further blocks.",
            values=int(stream.size),
            least=least,
        )
    found: list[int] = []
    for place, value in enumerate(stream.tolist()):
        detector.update(value)
        if detector.drift_detected:
            found.append(place)
    return tuple(found)
