"""A home with a state in it, made without running anything."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.settings import Settings
from homeostat.control import transitions
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.rollouts import Canary
from homeostat.control.state import LoopState
from homeostat.kernel.clock import parse_instant
from homeostat.kernel.verdicts import ACCEPT, PROMOTE, RETRAIN, Reason, Verdict
from homeostat.stats.figures.sums import ScoreSums
from tests.harness.first import RUN
from tests.harness.world import DAY, LOOP, write_loop

BEGAN = parse_instant("2024-01-01T00:00:00Z")


def grown_home(folder: Path) -> Home:
    """v1 was promoted first; v2 replaced it; v3 is at its second step."""
    found = Home(folder / "home")
    shutil.copytree(_grown(), found.root)
    Settings(home=found.root, loop_file=write_loop(folder), definitions={LOOP: "as started"}).save()
    return found


@cache
def _grown() -> Path:
    """Such a home, grown once for all copies of it."""
    found = Home(Path(tempfile.mkdtemp(dir=os.environ[RUN])) / "home")
    found.prepare()
    store = Operations.open(found).store
    state = store.state(LOOP)
    retrain = _verdict(RETRAIN, "too_old", "retrained 21.0 days ago >= 20d")
    accept = _verdict(ACCEPT, "better", "skill over the base rate at least 0.1042 > 0")
    promote = _verdict(PROMOTE, "no_worse", "log-loss minus the champion's at most 0.004 < 0.05, on 864 rows of 3 days")
    steps: list[Callable[[LoopState, int], transitions.Transition]] = [
        lambda s, at: transitions.ask_retraining(s, retrain, at, {}),
        lambda s, at: transitions.first_champion(s, accept, at, {}),
        lambda s, at: transitions.ask_retraining(s, retrain, at, {}),
        lambda s, at: transitions.open_rollout(s, accept, at, {}, Canary()),
        lambda s, at: transitions.promote(s, promote, at, {}),
        lambda s, at: transitions.ask_retraining(s, retrain, at, {}),
        lambda s, at: transitions.open_rollout(s, accept, at, {}, Canary()),
        lambda s, at: transitions.advance(s, promote, at, {}, Canary()),
    ]
    for number, step in enumerate(steps):
        at = BEGAN + number * DAY
        after, drafts = step(state, at)
        state = store.commit(state, dataclasses.replace(after, decided_until=at), drafts, [_day(number)])
    store._database.close()
    return found.root


def _verdict(name: str, code: str, text: str) -> Verdict:
    return Verdict(name, (Reason(code, 1.0, 0.0, text),))


def _day(number: int) -> Day:
    start = BEGAN + number * DAY
    inputs = Inputs(288, {"v1": 288}, {}, 0, "v1", {"x": 0.1}, {"x": 0.05}, 0.1, {}, {})
    sums = ScoreSums.of([True, False], [0.7, 0.2])
    outcomes = Outcomes(288, 0, 0, sums, {"v1": sums})
    return Day(f"2024-01-{number + 1:02}", start, start + DAY, start + DAY, inputs, outcomes)
