"""Quality limits on real evidence: logged rows, labels and models of a home, scored, judged and acted on."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

import homeostat as hs
from homeostat.adapters.delta.rows import facts_schema, log_of
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.app.control.observer import DeltaObserver
from homeostat.app.prediction_log.skew import SkewCheck
from homeostat.control.loop import Loop
from homeostat.control.reconcile import Reconciler
from homeostat.control.state import LoopState, initial_state
from homeostat.data.contracts import Value
from homeostat.data.profiles import ReferenceProfile
from homeostat.data.records import PredictionRecord
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.features.logged import Logged
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.clock import duration
from homeostat.registry.manifest import read_manifest
from homeostat.registry.models import Kind, Version
from homeostat.serving.routing import Experiment, ExperimentArm, Route
from tests.unit.app.test_hidden_columns import PURCHASES, VISITS, loop_of
from tests.unit.app.test_kept_share import BEGINS, Facts
from tests.unit.control.rig import Engine, Workflows
from tests.unit.serving.parts import model, save_version

DAY, DAYS, ROWS = duration("1d"), 6, 60
LOOP: Loop = loop_of([VISITS["shop"]], limits=hs.Limits(quality=0.01))
BIASES = {"good": -0.4, "bad": -3.0}
"""Four in ten are true: the one says so, the other one in twenty."""


@dataclasses.dataclass
class Folders:
    """The part of a registry that is asked: versions and their files."""

    root: Path

    def get(self, loop: str, version: str) -> Version:
        return read_manifest(self.folder(loop, version))

    def folder(self, loop: str, version: str) -> Path:
        return self.root / loop / version


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Days of predictions and their labels, and the versions v1, v2 (good) and v3 (bad)."""
    drawn = np.random.default_rng(3)
    told, asked = [], []
    for row in range(DAYS * ROWS):
        at = BEGINS + row * DAY // ROWS
        question: dict[str, Value] = {
            "visit": f"v{row}",
            "at": at,
            "due": at,
            "buyer": "b",
            "born": 1980,
            "shop": "north",
            "note": "",
        }
        asked.append(
            PredictionRecord(
                f"{row:08x}-0000-7000-8000-{row:012x}", "visits", f'["v{row}"]', at, at, 10, "v1", "champion", 1, 0.4,
                False, 90, False, question, ["north"], LOOP.feature_set.hash, weight=1, one_in=1,
            )
        )  # fmt: skip
        spent = 20.0 if drawn.random() < 0.4 else 1.0
        told.append({"visit": f"v{row}", "at": at, "buyer": "b", "shop": "north", "spent": spent, SEQUENCE: row})
    facts = [{**one, KNOWN_AT: BEGINS} for one in told]
    logged = log_of(Logged.of(LOOP.feature_set), list(enumerate(asked)))
    DeltaTables(tmp_path / "log").append("visits", logged, writer="test", upto=1)
    table = pa.Table.from_pylist(facts, schema=facts_schema(PURCHASES))
    DeltaTables(tmp_path / "tables").append("purchases", table, writer="test", upto=1)
    shops: tuple[tuple[str, Kind], ...] = (("shop", "text"),)
    kinds = LOOP.feature_set.kinds
    profile = ReferenceProfile.of(kinds, {"shop": np.array(["north"] * 9, dtype=object)}, np.full(9, 0.4))
    for version, kind in (("v1", "good"), ("v2", "good"), ("v3", "bad")):
        content = model(BIASES[kind], inputs=shops)
        save_version(
            tmp_path / "versions",
            version,
            content,
            inputs=shops,
            features=LOOP.feature_set,
            loop="visits",
            beside={"profile.json": canonical_json(profile.to_json())},
        )
    return tmp_path


def decided(home: Path, route: Route) -> tuple[LoopState, list[str]]:
    """What becomes of a route once the days have matured, and what the ledger says."""
    log, tables = DeltaTables(home / "log"), DeltaTables(home / "tables")
    known = {LOOP.feature_set.hash: Logged.of(LOOP.feature_set)}
    facts, registry = cast("Any", Facts()), cast("Any", Folders(home / "versions"))
    check = SkewCheck(LOOP.feature_set, tables)
    observer = DeltaObserver(LOOP, tables, log, registry, facts, check, known, 0.0, cast("Any", None))
    store = SqlControlStore(Database(home / "control.sqlite"), HeadsFile(home / "ledger"))
    state = dataclasses.replace(initial_state("visits"), route=route, retrained_at=BEGINS + DAYS * DAY)
    for version in route.versions:
        state = state.standing(version, "champion" if version == route.champion else "standby", BEGINS)
    store.commit(initial_state("visits"), state, (), ())
    reconciler = Reconciler(LOOP, store, observer, Engine(Workflows()), lambda state: None, lambda loop, waiting: None)
    return reconciler.tick(BEGINS + (DAYS + 2) * DAY), [entry.draft.title for entry in store.entries()]


def test_a_champion_whose_rows_its_standby_scores_better_leaves_for_it(home: Path) -> None:
    state, titles = decided(home, Route("visits", 1, "v3", standby="v1"))
    assert (state.route.champion, state.versions["v3"].name) == ("v1", "rolled_back")
    assert titles == ["v3 is taken back; v1 serves"]


@pytest.mark.parametrize("standby", ["v2", None])
def test_a_champion_as_good_as_its_standby_or_with_none_stays(home: Path, standby: str | None) -> None:
    state, titles = decided(home, Route("visits", 1, "v1", standby=standby))
    assert (state.route.champion, titles) == ("v1", [])


def test_an_arm_that_scores_the_rows_worse_is_halted_and_one_as_good_goes_on(home: Path) -> None:
    arms = (ExperimentArm("b", "v2", 0.5), ExperimentArm("c", "v3", 0.5))
    state, titles = decided(home, Route("visits", 1, "v1", experiments=(Experiment("e", arms, 0.2),)))
    assert (state.route.halted, state.route.arms) == (("v3",), ("v2",))
    assert titles == ["v3 is not asked any more as e/c; v1 answers"]
