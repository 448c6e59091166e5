"""All that there is to be read of a loop at one look: the days that changed, the decisions since, where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from homeostat.control.alerting.decisions import decision_readings, state_readings
from homeostat.control.alerting.early import early_readings
from homeostat.control.alerting.heartbeats import heartbeat_readings, overdue
from homeostat.control.alerting.late import late_readings
from homeostat.control.days import Day
from homeostat.control.policies.retrain import Retrain
from homeostat.control.state import LoopState
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import Instant
from homeostat.monitoring.alerts.declared import Alerts
from homeostat.monitoring.alerts.readings import Reading
from homeostat.monitoring.kept_slices import Slice
from homeostat.stats.intervals import Interval

Missing = Callable[[str | None], Mapping[str, float]]
"""The missing share of each feature in the training of a version; empty where that is not known."""
Promise = Callable[[str], Interval | None]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a loop beside its days: what it declares, and what its versions say of themselves."""

    settings: Alerts
    retrain: Retrain
    missing: Missing
    promise: Promise
    slices: tuple[Slice, ...] = ()


def day_readings(days: Sequence[Day], changed: Sequence[Day], state: LoopState, known: Known) -> list[Reading]:
    """What the days that changed say; ``days`` are all of them, oldest first."""
    found: list[Reading] = []
    for day in sorted(changed, key=lambda one: one.start):
        upto = [one for one in days if one.start <= day.start]
        found += early_readings(upto, known.settings, known.missing(day.inputs.reference))
        found += heartbeat_readings(upto, known.slices)
        if day.outcomes is not None:
            found += late_readings(upto, state, known.settings, known.retrain, known.promise)
    return found


def alerts_of(
    days: Sequence[Day],
    changed: Sequence[Day],
    drafts: Sequence[Draft],
    state: LoopState,
    known: Known,
    now: Instant,
    broken: Sequence[str] = (),
    untrusted: Sequence[str] = (),
) -> list[Reading]:
    """Every reading of a look as of ``now``. ``drafts`` are the decisions since the last one; ``broken`` says which
    limits what serves breaks while nobody stands by; ``untrusted`` what replicas refuse to load for its signature."""
    return [
        *day_readings(days, changed, state, known),
        *decision_readings(drafts),
        *state_readings(state, now, broken, untrusted, known.retrain),
        *overdue(days, now),
    ]
