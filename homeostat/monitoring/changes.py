"""Detectors of a lasting change in a stream of block means: one port, whatever the method."""

from __future__ import annotations

from typing import Protocol

from numpy.typing import ArrayLike


class ChangeDetector(Protocol):
    """Reads a whole stream and says where it would have alarmed: the same stream, the same alarms, nothing kept.

    `homeostat.stats.changes.cusum.Cusum` knows the level to hold; the adapter's Page-Hinkley and ADWIN learn it.
    """

    def alarms(self, values: ArrayLike) -> tuple[int, ...]:
        """The places, counted from 0, at which it alarms; after each alarm it starts anew.

        An alarm never depends on later values. Args: one value per block of time, in order.
        Raises: NotEnoughData for a stream on which it could not alarm yet; InvalidInput for missing values.
        """
        ...
