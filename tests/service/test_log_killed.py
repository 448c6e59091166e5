"""Gateways and recorder killed anywhere under load: every acknowledged prediction is in the log, once.

HOMEOSTAT_SOAK=20 makes twenty rounds of kills instead of one.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from homeostat.adapters.files import segments
from homeostat.adapters.files.frames import frame
from tests.harness.running import until
from tests.service.logged_rig import Installation, Load, installed

pytestmark = pytest.mark.service
ROUNDS = int(os.environ.get("HOMEOSTAT_SOAK", "1"))


def strike(home: Installation, victim: str) -> None:
    """kill -9 one process, and start it again."""
    if victim == "recorder":
        home.recorder.kill()
        home.recorder.start()
    else:
        home.kill(victim)
        home.start(victim)


@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_killed_at_random_under_load_every_acknowledged_prediction_is_in_the_log_once(tmp_path: Path) -> None:
    chance = random.Random(5)
    with installed(tmp_path, "r1", "r2") as home:
        with Load(home) as load:
            for _ in range(ROUNDS):
                for victim in chance.sample(["r1", "r2", "recorder"], 3):
                    goal = len(load.acknowledged) + chance.randint(1, 60)
                    until(lambda goal=goal: len(load.acknowledged) >= goal)
                    if chance.random() < 0.5:
                        home.recorder.client.flush()
                    strike(home, victim)
        logged = home.logged()
    assert len(load.acknowledged) > 20
    assert set(load.acknowledged) <= logged.keys()
    assert set(logged.values()) == {1}
    assert not {status for status in load.statuses if status in (500, 422, 400)}


def test_a_torn_last_record_costs_no_acknowledged_prediction(tmp_path: Path) -> None:
    with installed(tmp_path, "r1", "r2") as home:
        kept = [home.ask(number).json()["predictions"][0]["prediction_id"] for number in range(20)]
        for name in ("r1", "r2"):
            home.kill(name)
            folder = tmp_path / "spool" / "predictions" / name
            with open(segments.path_of(folder, segments.numbers(folder)[-1]), "ab") as file:
                file.write(frame(b"never acknowledged" * 10)[:-20])
            home.start(name)
        kept += [home.ask(number).json()["predictions"][0]["prediction_id"] for number in range(20, 40)]
        assert home.logged() == dict.fromkeys(kept, 1)
