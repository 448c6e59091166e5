"""How long a worsening goes unseen in a figure, from how much it varies from day to day and how late labels are."""

from __future__ import annotations

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.intervals import Interval
from homeostat.stats.power import Clusters, Detection, detection

POINTS = 0.05
"""The worsening that is told of: five points of a hundredth, of log-loss 0.05 nats."""


def detection_of(seen: Interval, *, change: float = POINTS, label_delay: float) -> Detection:
    """Days until a lasting worsening by ``change`` is seen with 80 % power at one look, labels' delay included.

    ``seen`` bounds the figure over days; from its width follows what one day is worth, however figures are made. The
    traffic is that of these days. ``label_delay`` is in days.
    Raises: NotEnoughData where all days were alike, so that nothing is known of how they vary.

    >>> detection_of(Interval(0.8, 0.78, 0.82, 14, 12_600, 0.95), label_delay=1.2).sentence()
    'a 5-point drop would take 7 days to see'
    """
    from scipy import special

    error = (seen.high - seen.low) / 2.0 / float(special.stdtrit(seen.blocks - 1, (1.0 + seen.confidence) / 2.0))
    if not error > 0.0:
        raise NotEnoughData("All days are alike.", mend="Take a longer span.", blocks=seen.blocks)
    daily = Clusters(1.0, seen.rows / seen.blocks, error**2 * seen.blocks, seen.blocks)
    return detection(daily, change, label_delay=label_delay)
