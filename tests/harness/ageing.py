"""A home whose versions have aged: weeks of labelled days on which they know less and less."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.app.settings import Settings
from homeostat.control import transitions
from homeostat.control.days import Day, Inputs, Outcomes
from homeostat.control.rollouts import Canary
from homeostat.kernel.verdicts import ACCEPT, PROMOTE, RETRAIN, Reason, Verdict
from homeostat.monitoring.windows import day_name
from homeostat.registry.manifest import write_manifest
from homeostat.registry.models import Fingerprint, TrainingPin, Version
from homeostat.stats.figures.sums import ScoreSums
from tests.harness.world import BEGINS, DAY, LOOP, LOOP_FILE, write_loop

PRICES = """hs.Economics(
        currency="EUR", skill_value=0.5, false_positive=1, false_negative=4, skewed_prediction=0.1, training_hour=2,
        person_hour=50, validation_hours=1, deployment_hours=1, bad_release=100, replica_hour=0.1,
        monitoring_month=hs.Money(30, "EUR"), failures_per_year=4, failure_drop=0.1, noticed_after="28d",
        manual_hours_per_week=4, setup_hours=80, running_year=1000,
    )"""
ROWS = 400
CUTOFFS = {"v1": -3, "v2": 60}
"""The days, counted from the beginning, on which the versions' training ended."""


def aged_home(folder: Path, *, days: int = 140, labelled: bool = True, prices: str = PRICES, steps: int = 5) -> Home:
    """v1 served from the first day and v2 from the 63rd; what a version knows falls to a half in 35 days."""
    found = Home(folder / "home")
    found.prepare()
    text = LOOP_FILE.replace("    rollout=", f"    economics={prices},\n    rollout=") if prices else LOOP_FILE
    Settings(home=found.root, loop_file=write_loop(folder, text=text)).save()
    for name, cutoff in list(CUTOFFS.items()) if steps else ():
        _register(found, name, cutoff)
    store = Operations.open(found).store
    state = store.state(LOOP)
    told = Verdict(RETRAIN, (Reason("too_old", 1.0, 0.0, "retrained 60.0 days ago >= 60d"),))
    accept, promote = (Verdict(name, (Reason("better", 1.0, 0.0, "better"),)) for name in (ACCEPT, PROMOTE))
    moves = [
        lambda s: transitions.ask_retraining(s, told, BEGINS, {}),
        lambda s: transitions.first_champion(s, accept, BEGINS, {}),
        lambda s: transitions.ask_retraining(s, told, BEGINS + 60 * DAY, {}),
        lambda s: transitions.open_rollout(s, accept, BEGINS + 63 * DAY, {}, Canary()),
        lambda s: transitions.promote(s, promote, BEGINS + 70 * DAY, {}),
    ]
    for move in moves[:steps]:
        after, drafts = move(state)
        state = store.commit(state, after, drafts, ())
    rng = np.random.default_rng(1)
    made = [_day(rng, number, labelled) for number in range(days)]
    store.commit(state, dataclasses.replace(state, decided_until=BEGINS + days * DAY), (), made)
    return found


def _register(home: Home, name: str, cutoff: int) -> None:
    at, folder = BEGINS + cutoff * DAY, home.versions / LOOP / name
    folder.mkdir(parents=True)
    pin = TrainingPin({}, 0, None, at, at, 1, at, at, "0" * 64)
    legs = Fingerprint("0" * 64, "0" * 64, "0" * 64, "0" * 64)
    write_manifest(Version(LOOP, name, at + 3 * DAY, (), legs, pin, {}, {}, {}), folder)
    log = home.jobs / LOOP / name / "train.log"
    log.parent.mkdir(parents=True)
    log.write_text("   0.4 s  pinned\n  18.0 s  trained\n")


def _day(rng: np.random.Generator, number: int, labelled: bool) -> Day:
    start, name = BEGINS + number * DAY, day_name(19_723 + number)
    inputs = Inputs(ROWS, {"v1": ROWS}, {}, 0, "v1", {}, {}, None, {}, {})
    day = Day(name, start, start + DAY, start + DAY + DAY // 12, inputs)
    sums = {version: _scored(rng, number - cutoff) for version, cutoff in CUTOFFS.items() if number >= cutoff + 3}
    live = sums["v2" if number >= 70 else "v1"]
    return day.with_outcomes(Outcomes(ROWS, 0, 0, live, sums)) if labelled else day


def _scored(rng: np.random.Generator, age: int) -> ScoreSums:
    """Scores that say as much as they promise of a share of the rows that falls with age, and nothing of the rest."""
    score = rng.choice([0.1, 0.7], size=ROWS, p=[0.7, 0.3])
    known = rng.random(ROWS) < np.exp(-np.log(2) / 35 * age)
    return ScoreSums.of(rng.random(ROWS) < np.where(known, score, 0.28), score)
