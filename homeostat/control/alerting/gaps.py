"""The late signal of a loop that feeds on itself: since a retraining a cohort is served worse beside the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homeostat.control.alerting.early import reading
from homeostat.control.days import Day
from homeostat.control.performance.gaps import gaps_of
from homeostat.monitoring.alerts.readings import Reading
from homeostat.monitoring.gaps import Widened, gap_of
from homeostat.stats.tasks import task_of_sums

_NAMED = 3


def gap_readings(days: Sequence[Day]) -> Iterator[Reading]:
    """Read the last of ``days``, where there are cohorts and a version before the present one.

    Unknown while no gap is known under both: a new version needs 50 rows of the cohort and three days.
    """
    found = gaps_of(days)
    if not any(len(kept) > 1 for kept in found.cohorts.values()):
        return
    if found.wider:
        worst = found.wider[0]
        seen = (worst.now.difference.value, worst.before.difference.value)
        lives = [day.outcomes.live for day in days if day.outcomes]
        yield reading("gap", "cohorts", days[-1], "over", _text(found.wider, task_of_sums(lives).loss_name), seen)
        return
    known = any(gap_of(kept[-1]) and any(gap_of(one) for one in kept[:-1]) for kept in found.cohorts.values())
    yield reading("gap", "cohorts", days[-1], "within" if known else "unknown")


def _text(found: Sequence[Widened], loss: str) -> str:
    parts = [
        f"{one.cohort}: {loss} {one.now.difference.value:+.3f} beside all others under {one.now.version},"
        f" {one.before.difference.value:+.3f} under {one.before.version}, wider by at least {one.by.low:.3f}"
        for one in found[:_NAMED]
    ]
    more = len(found) - _NAMED
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")
