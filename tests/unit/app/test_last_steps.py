"""Signing and registering as steps: seen, taken up after a kill between them, and nothing left half registered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.adapters.mlflow.registry import MlflowRegistry
from homeostat.adapters.mlflow.stores import Embedded
from homeostat.app.by_hand.operations import Operations
from homeostat.app.control.last_steps import LastSteps, forget
from homeostat.app.home import Home
from homeostat.app.signing.trust import keyring
from homeostat.app.versions.retention import Retention
from homeostat.app.versions.steps import steps_under_way
from homeostat.kernel.errors import Conflict, Unavailable
from homeostat.registry.manifest import SIGNATURE, hash_file
from homeostat.registry.models import Version
from homeostat.training.jobs import JobFolder
from homeostat.training.steps import StepRecord
from tests.harness.grown import grown_home
from tests.harness.registered import make_version
from tests.harness.stores import with_mlflow
from tests.harness.world import LOOP
from tests.unit.control.rig import loop_of


class Bench:
    """A staged version in a home with a real registry, any of whose calls may be away; and the pauses made."""

    def __init__(self, home: Home) -> None:
        self.home, self.place = home, JobFolder(home.jobs / LOOP / "v9")
        with_mlflow(home.root)
        self.registry = self.opened()
        self.pauses: list[float] = []
        self.version = make_version(self.place.staged, "v9", loop=LOOP)
        (self.place.staged / SIGNATURE).unlink()

    def opened(self) -> MlflowRegistry:
        root = self.home.root
        store = Embedded(root / "mlflow.sqlite", root / "mlflow-artifacts")
        return MlflowRegistry(store, self.home.versions, keyring())

    @property
    def last(self) -> LastSteps:
        return LastSteps(self.registry, self.pauses.append, pauses=(1.0, 4.0, 16.0))

    def sign(self) -> StepRecord:
        return self.last.sign(self.version, self.place, keyring())

    def shown(self) -> dict[str, str]:
        self.place.steps.write_text("[]")
        return {one["name"]: one["state"] for one in steps_under_way(self.home, LOOP, "v9")}

    @contextmanager
    def away(self, *calls: str, times: int = 1_000) -> Iterator[None]:
        """MLflow is not there for these calls, so many times."""
        client: Any = self.registry._entries.client
        left = {call: times for call in calls}
        with pytest.MonkeyPatch.context() as patch:
            for call in calls:
                patch.setattr(client, call, self._gone(getattr(client, call), call, left))
            yield

    def _gone(self, real: Any, call: str, left: dict[str, int]) -> Any:
        def cut(*given: Any, **named: Any) -> Any:
            left[call] -= 1
            if left[call] >= 0:
                raise ConnectionError("connection reset by peer")
            return real(*given, **named)

        return cut

    def in_mlflow(self) -> tuple[int, int]:
        """Runs and versions."""
        client: Any = self.opened()._entries.client
        found = client.get_experiment_by_name(LOOP)
        runs = [] if found is None else client.search_runs([found.experiment_id])
        return len(runs), len(client.search_model_versions(f"name = '{LOOP}'"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(grown_home(tmp_path))


def test_each_is_recorded_with_what_it_took_and_gave_and_is_taken_up_after_a_kill_between_them(bench: Bench) -> None:
    assert bench.shown() == {"sign": "waiting", "register": "waiting"}
    signed = bench.sign()
    assert bench.shown() == {"sign": "done", "register": "waiting"}
    assert signed.gives == {"signature": hash_file(bench.place.staged / SIGNATURE)}
    assert signed.seconds > 0 < signed.memory
    bench.registry = bench.opened()  # another process goes on
    again = bench.sign()
    assert (again.gives, again.attempts) == (signed.gives, 2), "a signature that holds stays as it is"
    registered = bench.last.register(bench.version, bench.place)
    assert registered.takes == {**signed.takes, **signed.gives}
    assert (bench.shown(), bench.in_mlflow()) == ({"sign": "done", "register": "done"}, (1, 1))
    assert bench.last.register(bench.version, bench.place).attempts == 2
    assert bench.in_mlflow() == (1, 1)


def test_a_registry_that_is_away_for_a_moment_is_asked_again(bench: Bench) -> None:
    bench.sign()
    with bench.away("log_artifacts", "set_terminated"), pytest.raises(Unavailable):
        LastSteps(bench.registry, lambda seconds: True).register(bench.version, bench.place)
    with bench.away("log_batch", "create_model_version", times=1):
        registered = bench.last.register(bench.version, bench.place)
    assert (registered.attempts, bench.pauses, bench.in_mlflow()) == (2 + 2, [1.0, 4.0], (1, 1))
    assert "waiting for the registry, which is asked again in 4 s: " in bench.place.log.read_text().splitlines()[-1]
    assert forget(bench.registry, LOOP, "v9", bench.place)
    assert bench.in_mlflow() == (1, 1), "what is registered stays"


@pytest.mark.parametrize("call", ["log_batch", "create_model_version", "set_terminated"])
def test_a_registry_that_stays_away_in_the_middle_has_nothing_half_registered(bench: Bench, call: str) -> None:
    bench.sign()
    with bench.away(call), pytest.raises(Unavailable, match="connection reset") as caught:
        bench.last.register(bench.version, bench.place)
    assert (caught.value.facts["step"], bench.pauses) == ("register", [1.0, 4.0, 16.0])
    assert bench.shown() == {"sign": "done", "register": "failed"}
    assert (bench.in_mlflow(), (bench.home.versions / LOOP / "v9").exists()) == ((0, 0), False)


def test_what_it_cannot_forget_at_once_is_forgotten_when_it_is_back(bench: Bench) -> None:
    bench.sign()
    operations = Operations.open(bench.home)
    state = operations.store.state(LOOP)
    operations.store.commit(state, state.standing("v9", "failed", 0), (), ())
    retention = Retention(operations, bench.registry)
    loop = replace(loop_of(), name=LOOP)
    with bench.away("set_terminated", "delete_model_version", "delete_run"):
        with pytest.raises(Unavailable):
            bench.last.register(bench.version, bench.place)
        retention.look(loop, 1)
    assert bench.in_mlflow() != (0, 0)
    retention.look(loop, 2)
    assert bench.in_mlflow() == (0, 0)


def test_what_the_registry_refuses_is_not_asked_again_and_what_is_there_stays(bench: Bench) -> None:
    bench.sign()
    bench.last.register(bench.version, bench.place)
    shutil.rmtree(bench.place.root)
    other: Version = make_version(bench.place.staged, "v9", loop=LOOP, model=b"another")
    with pytest.raises(Conflict):
        bench.last.register(other, bench.place)
    assert forget(bench.registry, LOOP, "v9", bench.place)
    assert (bench.pauses, bench.in_mlflow()) == ([], (1, 1))
