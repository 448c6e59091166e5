"""A candidate in its own process, and a shadow in its own: whatever becomes of them, users are answered."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from homeostat.adapters.files.spool_reader import SpoolReader
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.app.arms.process import ArmFailed, ArmLimits, ArmProcess
from homeostat.app.arms.shadow import MOST_BEHIND
from homeostat.data.records import PredictionRecord
from homeostat.kernel.errors import Untrusted
from homeostat.serving.batching import Batching
from homeostat.serving.routing import Shadow
from tests.harness.running import PATIENCE, until
from tests.service.test_gateway import Gateway, gateway
from tests.unit.serving.late import FEATURES, INPUTS, question
from tests.unit.serving.parts import expected, harmful, model, save_version

pytestmark = pytest.mark.service
MEMORY = 512 << 20


def columns(*hours: float | None) -> dict[str, list[float | str | None]]:
    return {"carrier": ["UA"] * len(hours), "hour": list(hours), "origin_delay_3h": [0.0] * len(hours)}


def candidate(
    folder: Path, content: bytes, *, seconds: float = 20.0, memory: int = MEMORY, batching: Batching = "off"
) -> ArmProcess:
    made = save_version(folder / "versions", "v2", content)
    return ArmProcess(made, "late", "v2", ArmLimits(seconds, memory, batching), folder / "candidates.log")


def asked(arm: ArmProcess, scenario: Callable[[ArmProcess], Awaitable[None]]) -> None:
    async def whole() -> None:
        try:
            await scenario(arm)
        finally:
            arm.end()

    asyncio.run(whole())


async def until_it_answers(arm: ArmProcess) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            await arm.predict(columns(8))
        except ArmFailed:
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError("it never answered again")


@pytest.mark.parametrize("batching", ["off", "auto", 2, 64])
def test_it_answers_as_the_model_does_many_requests_at_once(tmp_path: Path, batching: Batching) -> None:
    async def scenario(arm: ArmProcess) -> None:
        found = await asyncio.gather(*(arm.predict(columns(hour, None)) for hour in range(50)))
        for hour, answer in enumerate(found):
            assert answer == pytest.approx([expected(1.0, hour), expected(1.0, 0)], abs=1e-6)
        assert arm.inputs == INPUTS

    asked(candidate(tmp_path, model(1.0), batching=batching), scenario)


def test_a_row_that_it_cannot_take_fails_its_own_request_and_no_other(tmp_path: Path) -> None:
    async def scenario(arm: ArmProcess) -> None:
        hours = [8, 23, 9, 10]
        found = await asyncio.gather(*(arm.predict(columns(hour)) for hour in hours), return_exceptions=True)
        assert [isinstance(one, ArmFailed) for one in found] == [False, True, False, False]
        assert all(np.allclose(one, 0.9) for one in found if not isinstance(one, BaseException))

    asked(candidate(tmp_path, harmful("large"), batching=64), scenario)


def test_one_that_is_killed_fails_its_requests_at_once_and_comes_back(tmp_path: Path) -> None:
    async def scenario(arm: ArmProcess) -> None:
        assert arm.pid is not None
        os.kill(arm.pid, signal.SIGKILL)
        with pytest.raises((ArmFailed, OSError)) as failed:
            await arm.predict(columns(8))
        assert "within" not in str(failed.value), "nobody waits for what is gone"
        await until_it_answers(arm)

    asked(candidate(tmp_path, model(1.0)), scenario)


def test_one_that_computes_without_end_is_late_then_rested_then_killed(tmp_path: Path) -> None:
    async def scenario(arm: ArmProcess) -> None:
        first = arm.pid
        for _ in range(3):
            with pytest.raises(ArmFailed, match=r"within 0\.2 s"):
                await arm.predict(columns(23))
        with pytest.raises(ArmFailed, match="left alone"):
            await arm.predict(columns(8))
        await until_it_answers(arm)
        assert arm.pid != first

    asked(candidate(tmp_path, harmful("slow"), seconds=0.2), scenario)


def test_one_that_asks_for_gigabytes_is_refused_them_and_answers_on(tmp_path: Path) -> None:
    async def scenario(arm: ArmProcess) -> None:
        with pytest.raises(ArmFailed):
            await arm.predict(columns(23))
        await until_it_answers(arm)

    asked(candidate(tmp_path, harmful("large")), scenario)


def test_one_that_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    made = save_version(tmp_path / "versions", "v2", model(1.0))
    (made / "model.onnx").write_bytes(model(2.0))
    with pytest.raises(Untrusted, match=r"model\.onnx is not what was registered"):
        ArmProcess(made, "late", "v2", ArmLimits(), tmp_path / "candidates.log")


def shadowed(home: Path) -> list[PredictionRecord]:
    return [one for _, one in SpoolReader(home / "spool" / "predictions" / "r1-late-v2").read(-1).records]


def processes_of(running: Gateway, module: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words, parent = path.read_bytes().split(b"\0"), (path.parent / "stat").read_text().split()[3]
        except OSError:
            continue
        if module.encode() in words and int(parent) == running.process.pid:
            found.append(int(path.parent.name))
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    store = SqliteOnlineStore(tmp_path / "online.sqlite")
    store.prepare([FEATURES])
    store.close()
    save_version(tmp_path / "versions", "v1", model(-1.0))
    return tmp_path


@pytest.mark.parametrize("kind", ["slow", "large"])
def test_users_of_a_harmful_canary_are_answered_by_the_champion_in_the_same_request(home: Path, kind: str) -> None:
    save_version(home / "versions", "v2", harmful(kind))
    with gateway(home, arm_seconds=0.25) as running:
        running.route(1, "v1", canary="v2", share=1.0, salt="s")
        late = 0  # on a machine that is busy elsewhere a good answer may be, too
        while (answer := running.predict(question(hour=8)).json()["predictions"][0])["version"] != "v2":
            late += 1
        assert answer["probability"] == pytest.approx(0.9)
        for _ in range(5):
            answer = running.predict(question(hour=23)).json()["predictions"][0]
            assert (answer["version"], answer["arm"]) == ("v1", "champion")
            assert answer["probability"] == pytest.approx(expected(-1.0, 23), abs=1e-6)
        told = f'homeostat_fallbacks_total{{replica="r1",loop="late"}} {5.0 + late}'
        assert told in running.client.get("/metrics").text
        until(lambda: running.predict(question(hour=8)).json()["predictions"][0]["version"] == "v2")
        status, _, err = running.end()
        assert status == 0, err


def test_a_shadow_answers_beside_and_its_death_changes_nothing(home: Path) -> None:
    save_version(home / "versions", "v2", model(1.0))
    with gateway(home) as running:
        running.route(1, "v1", shadows=(Shadow("v2"),))
        until(lambda: len(processes_of(running, "homeostat.app.arms.shadow")) == 1)
        until(lambda: bool(running.predict(question(0)).raise_for_status()) and bool(shadowed(home)))
        (first,) = processes_of(running, "homeostat.app.arms.shadow")
        os.kill(first, signal.SIGKILL)
        for index in range(20):
            answer = running.predict(question(index)).raise_for_status().json()["predictions"][0]
            assert (answer["version"], answer["arm"]) == ("v1", "champion")
        until(lambda: processes_of(running, "homeostat.app.arms.shadow") not in ([], [first]))
        before = len(shadowed(home))
        until(lambda: bool(running.predict(question(7)).raise_for_status()) and len(shadowed(home)) > before)
        newest = shadowed(home)[-1]
        assert (newest.version, newest.arm) == ("v2", "shadow")
        assert newest.probability == pytest.approx(expected(1.0, 8), abs=1e-6)
        running.route(2, "v1")
        until(lambda: not processes_of(running, "homeostat.app.arms.shadow"))
        status, _, err = running.end()
        assert status == 0, err


def test_a_shadow_that_never_answers_changes_nothing_and_what_it_skips_is_counted(home: Path) -> None:
    save_version(home / "versions", "v2", model(1.0))
    with gateway(home) as running:
        running.route(1, "v1", shadows=(Shadow("v2"),))
        until(lambda: bool(running.predict(question(0)).raise_for_status()) and bool(shadowed(home)))
        (shadow,) = processes_of(running, "homeostat.app.arms.shadow")
        os.kill(shadow, signal.SIGSTOP)
        seen = len(shadowed(home))
        for start in range(0, MOST_BEHIND + 2_000, 1_000):
            rows = [question(start + index) for index in range(1_000)]
            assert running.predict(*rows).status_code == 200
        os.kill(shadow, signal.SIGCONT)
        told = 'homeostat_shadow_rows{replica="r1",loop="late",outcome="dropped",version="v2"} '
        until(lambda: float(running.client.get("/metrics").text.partition(told)[2].split()[0]) > MOST_BEHIND / 2)
        until(lambda: len(shadowed(home)) > seen)
