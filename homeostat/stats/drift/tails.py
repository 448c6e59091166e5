"""How far out lies what hardly ever happens, told by more than the few furthest that did."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import finite

BEYOND = 0.2
"""So many of the furthest values tell the tail."""


def exceeded_once_in(values: ArrayLike, times: float) -> float:
    """What one value in so many ``times`` exceeds, by an exponential tail of the furthest fifth.

    Its mean beyond where the fifth begins tells how fast the tail thins out: far steadier than the quantile itself,
    which stands on the two or three furthest values. Of an exponential tail it is right for any ``times``.
    Raises: NotEnoughData without values; InvalidInput for missing ones, or ``times`` that is not above 1.
    Source: Pickands (1975), Annals of Statistics 3(1), 119-131, for tails beyond a limit.

    >>> evenly = (np.arange(1000) + 0.5) / 1000
    >>> round(exceeded_once_in(-np.log(evenly), 90), 2), round(math.log(90), 2)
    (4.5, 4.5)
    """
    known = finite("values", values)
    if not known.size:
        raise NotEnoughData("Nothing has a tail.", mend="Pass values.", values=0)
    if not times > 1.0:
        raise InvalidInput(f"Once in {times} is no rare event.", mend="Pass more than 1.", times=str(times))
    beyond = max(BEYOND, 1.0 / times)
    start = float(np.quantile(known, 1.0 - beyond))
    further = known[known > start] - start
    return start + (float(further.mean()) if further.size else 0.0) * math.log(beyond * times)
