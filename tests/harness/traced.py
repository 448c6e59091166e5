"""A grown home whose predictions can be traced: facts, a log, versions with real models, and a consumer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa

from homeostat.adapters.delta.rows import facts_schema
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.app.gateway.consumers import Consumers
from homeostat.app.home import Home
from homeostat.app.loops.known import remember_features
from homeostat.control.loop import Loop
from homeostat.data.tables import KNOWN_AT, SEQUENCE
from homeostat.registry.manifest import hash_files, write_manifest
from homeostat.registry.models import Fingerprint, TrainingPin, Version
from homeostat.registry.probes import PROBES, Probes
from homeostat.serving.routing import Route, place_for
from tests.harness.grown import BEGAN, grown_home
from tests.harness.served import ASKED, READ, loop_of, purchase, record, renamed, serve, stored
from tests.harness.signed import sign
from tests.harness.world import DAY, HOUR, LOOP
from tests.unit.serving.parts import model

BIAS = {"v1": -1.0, "v2": 0.0, "v3": 1.0}
LABELLED, CORRECTED = 20, 21
"""Sequences of the facts that label the first prediction, the second as a correction of the first."""


def traced_home(folder: Path) -> Home:
    """v2 answered predictions 0 to 4 with what was known then, v3 as the candidate two more; 0 and 1 have labels.

    v1 was trained on purchases@1, before there were labels, v2 on purchases@2; v3 is not here any more.
    """
    home = grown_home(folder)
    loop = loop_of(home)
    remember_features(home, {LOOP: loop.feature_set})
    taken = by_draw(loop, taken=True)
    records = [renamed(record(number, loop), generation=3) for number in range(5)]
    records += [renamed(record(number, loop), version="v3", arm="canary", generation=4) for number in taken]
    serve(home, *sorted(records, key=lambda one: one.prediction_id))
    labels = [purchase("v0", -1, 5.0, LABELLED), purchase("v0", -1, 20.0, CORRECTED), purchase("v1", -1, 20.0, 22)]
    tables = DeltaTables(home.tables)
    tables.append("purchases", stored(loop, labels), writer="test", upto=2)
    asked = [{**one.question, SEQUENCE: READ + place, KNOWN_AT: one.asked_at} for place, one in enumerate(records)]
    visits = pa.Table.from_pylist(asked, schema=facts_schema(loop.question))
    tables.append("visits", visits, writer="test", upto=1)
    for number, name in enumerate(("v1", "v2"), start=1):
        made_version(home, loop, name, {"purchases": number, "visits": 1}, 30)
    Consumers.open(home).add(loop, "tills", "the tills team", ("probability",), ASKED)
    return home


def by_draw(loop: Loop, *, taken: bool, share: float = 0.25) -> list[int]:
    """Two predictions from the fifth on whose units the rollout of v3 draws, or does not."""
    route = Route(LOOP, 4, "v2", canary="v3", share=share, salt=f"{LOOP}/rollout/v3")
    arms = ((number, place_for(route, record(number, loop).key)[0]) for number in range(5, 200))
    return [number for number, arm in arms if (arm == "canary") == taken][:2]


def made_version(home: Home, loop: Loop, name: str, tables: dict[str, int], sequence: int) -> Version:
    """A version's folder as training leaves it, with a model that answers and rows that it was recorded on."""
    folder = home.versions / loop.name / name
    folder.mkdir(parents=True)
    inputs = tuple(loop.feature_set.kinds.items())
    (folder / "model.onnx").write_bytes(model(BIAS[name], inputs=inputs))
    made = Version(
        loop=loop.name,
        version=name,
        created_at=BEGAN,
        inputs=inputs,
        fingerprint=Fingerprint("1" * 64, "2" * 64, "3" * 64, "4" * 64),
        pin=TrainingPin(tables, sequence, None, BEGAN + 2 * DAY, BEGAN + 3 * DAY, 7, BEGAN, BEGAN + HOUR, "f" * 64),
        metrics={"skill": 0.1},
        promise={"skill": 0.1},
        files=hash_files(folder),
        definitions=loop.feature_set.definitions,
    )
    write_manifest(made, folder)
    sign(folder)
    (folder / PROBES).write_bytes(_probes(folder, name, loop).written())
    made = dataclasses.replace(made, files=hash_files(folder))
    write_manifest(made, folder)
    sign(folder)
    return made


def _probes(folder: Path, name: str, loop: Loop) -> Probes:
    from homeostat.app.versions.runtimes import load_runtime

    chance = np.random.default_rng(0)
    columns = {
        one: chance.choice(["north", "south", "AA"], 20).tolist() if kind == "text" else chance.normal(size=20).tolist()
        for one, kind in loop.feature_set.kinds.items()
    }
    return Probes.of(columns, load_runtime(folder, loop.name, name).predict(columns).tolist())
