"""A user's own metrics of a day's labelled rows."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from homeostat.control.loop import Loop
from homeostat.kernel.errors import InvalidInput
from homeostat.stats.figures.means import MeanSums

_LOG = logging.getLogger("homeostat.control")


def own_of_rows(loop: Loop, labels: Any, answers: Any, one_in: int) -> dict[str, MeanSums]:
    """Their sums, without those that fail on the day: a figure of nobody's choosing stands in for none."""
    if not loop.own_metrics or not len(labels):
        return {}
    named = np.array(loop.label.classes)[labels] if loop.label.classes else labels
    found = {}
    for one in loop.own_metrics:
        try:
            found[one.name] = one.sums(named, answers).times(one_in)
        except InvalidInput as error:
            _LOG.warning("%s: %s %s", loop.name, error.problem, error.mend)
    return found
