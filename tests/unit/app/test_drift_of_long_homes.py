"""Drift is told of a home of many days from its newest ones, and as from all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.app.shown.standings import Standings
from homeostat.control.days import Day, Inputs
from homeostat.monitoring.drifting import Drifted
from homeostat.monitoring.kept_drift import KeptDrift
from tests.harness.grown import grown_home
from tests.harness.world import DAY, LOOP, day
from tests.unit.app.test_drift_watch import LOOP as DECLARED


def measured(number: int, reference: str, *, seen: bool = True) -> Day:
    """A day; every tenth is above its limit, and one that was not ``seen`` has no drift."""
    value = 0.3 if number % 10 == 0 else 0.05
    drift = (Drifted("psi", 1, {"shop": value}, {"shop": 0.2}, {}, {}, {"shop": 200.0}, {}),) if seen else ()
    inputs = Inputs(100, {}, {}, 0, reference, {}, {}, None, {}, {}, drift=KeptDrift.of(drift))
    name = f"{2024 + number // 360}-{number // 30 % 12 + 1:02d}-{number % 30 + 1:02d}"
    return Day(name, day(number), day(number) + DAY, day(number) + DAY, inputs)


@pytest.mark.parametrize(
    ("references", "beside"),
    [
        ("v1 " * 60 + "v2 " * 90 + "v1 " * 40, 40),
        ("v1 " * 150 + "v2 " * 3, 3),
        ("v1 " * 10 + "v2 " * 170, 170),
        ("v1 " * 9, 9),
    ],
    ids=["rolled back", "changed lately", "long the same", "few days"],
)
def test_the_newest_days_tell_what_all_days_would(tmp_path: Path, references: str, beside: int) -> None:
    home = grown_home(tmp_path)
    fresh, reader = Standings.open(home), Standings.open(home)
    state = fresh.store.state(LOOP)
    days = [measured(number, name, seen=number % 7 != 3) for number, name in enumerate(references.split())]
    fresh.store.commit(state, replace(state, decided_until=days[-1].end), [], days)
    assert len(reader.days(LOOP)) == len(days)
    loop = replace(DECLARED, name=LOOP)
    told = fresh.drift(loop)
    assert told == reader.drift(loop)
    unseen = sum(number % 7 == 3 for number in range(len(days) - beside, len(days)))
    assert told["joint"]["days"] == beside - unseen
    assert LOOP not in fresh._days, "no day is read but the newest"
