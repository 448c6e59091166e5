"""Homes that gateway and recorder serve as ``homeostat up`` runs them, with versions made beforehand."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from benchmarks.serving.loops import LOOP
from benchmarks.serving.models import Kind, Made, made
from homeostat.adapters.files.routes import write_route
from homeostat.app.home import Home
from homeostat.app.loops.loader import load_loops
from homeostat.app.pipeline.forms import choose_form
from homeostat.app.settings import Settings
from homeostat.app.signing.signer import sign
from homeostat.app.signing.trust import KEYS, keyring, prepared
from homeostat.features.definitions import FeatureSet
from homeostat.kernel.clock import format_instant
from homeostat.registry.manifest import write_manifest
from homeostat.registry.models import Fingerprint, TrainingPin, Version
from homeostat.registry.models import Kind as ColumnKind
from homeostat.serving.routing import Route
from tests.harness.running import free_ports

Json = dict[str, Any]
Durability = Literal["group", "record", "system"]


@dataclass(frozen=True, slots=True)
class Served:
    """A home with its versions, and the requests that its loop answers."""

    home: Home
    port: int
    model: Made

    @property
    def path(self) -> str:
        """Where predictions are asked for."""
        return f"/loops/{LOOP}/predict"

    def version(self, name: str = "v1") -> Path:
        """The folder of a version."""
        return self.home.versions / LOOP / name

    def route(self, route: Route) -> None:
        """Publish a route as control does."""
        write_route(self.home.routes, route)


def home_of(
    folder: Path,
    source: str,
    kind: Kind,
    *,
    versions: Sequence[str] = ("v1",),
    replicas: int = 1,
    durability: Durability = "group",
    wanted: str = "onnx",
) -> Served:
    """A home whose champion is the first of ``versions``; each is trained on rows of its own.

    ``wanted`` is the form in which they are served, as a loop may ask for it.
    """
    folder.mkdir(parents=True)
    os.environ[KEYS] = str(folder.with_name(f"{folder.name}-keys"))  # never those of whoever measures
    prepared(keyring(), folder, time.time_ns() // 1_000)
    file = folder / "loop.py"
    file.write_text(source)
    features = load_loops(file)[LOOP].feature_set
    models = [made(kind, features.names, seed=7 + place) for place in range(len(versions))]
    home = Home(folder)
    for name, model in zip(versions, models, strict=True):
        _save(home, name, model, features, wanted)
    home.prepare()
    port = free_ports()
    Settings(
        home=folder,
        loop_file=file,
        port=port,
        replicas=replicas,
        durability=durability,
        recorder_socket=str(folder / "recorder"),
    ).save()
    served = Served(home, port, models[0])
    served.route(Route(LOOP, 1, versions[0]))
    models[0].save_for_peers(folder)
    return served


def rows_of(model: Made) -> list[Json]:
    """The rows as clients of a loop of plain columns send them."""
    now = format_instant(time.time_ns() // 1_000)
    return [{"id": f"r{place}", "at": now, **features} for place, features in enumerate(features_of(model))]


def features_of(model: Made) -> list[Json]:
    """The features of each row by name."""
    return [dict(zip(model.names, row, strict=True)) for row in model.rows.tolist()]


def bodies(rows: Sequence[Json]) -> list[bytes]:
    """One request for each row."""
    return [json.dumps({"rows": [row]}).encode() for row in rows]


def _save(home: Home, name: str, model: Made, features: FeatureSet, wanted: str) -> None:
    kinds: dict[str, ColumnKind] = dict.fromkeys(model.names, "number")
    asked = pd.DataFrame(model.rows, columns=list(model.names))
    served = choose_form(model.estimator, kinds, [asked], name, wanted)
    folder = home.versions / LOOP / name
    folder.mkdir(parents=True)
    for file, content in served.files.items():
        (folder / file).write_bytes(content)
    now = time.time_ns() // 1_000
    pin = TrainingPin({}, 0, now, now, now, 1, now, now, features.hash)
    files = {file: hashlib.sha256(content).hexdigest() for file, content in served.files.items()}
    legs = Fingerprint("0" * 64, "0" * 64, "0" * 64, "0" * 64)
    inputs, definitions = tuple(kinds.items()), features.definitions
    version = Version(LOOP, name, now, inputs, legs, pin, {}, {}, files, definitions, served.form)
    write_manifest(version, folder)
    sign(version, folder, keyring())
