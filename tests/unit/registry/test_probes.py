"""A version that answers recorded rows otherwise than it was registered to is not loaded."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.app.versions.runtimes import load_runtime
from homeostat.kernel.errors import IntegrityError
from homeostat.registry.manifest import read_manifest, write_manifest
from homeostat.registry.probes import MOST, PROBES, Probes
from tests.harness.signed import sign
from tests.unit.serving.parts import expected, model, save_version

HOURS = [float(number % 24) for number in range(1_000)]


def probes(bias: float) -> Probes:
    columns = {"carrier": ["UA"] * len(HOURS), "hour": HOURS, "origin_delay_3h": [float("nan")] * len(HOURS)}
    return Probes.of(columns, [expected(bias, hour) for hour in HOURS])


def version_with(folder: Path, recorded: Probes) -> Path:
    """A version of ``model(-1.0)`` with these probes."""
    made = save_version(folder, "v1", model(-1.0))
    (made / PROBES).write_bytes(recorded.written())
    manifest = read_manifest(made)
    files = {**manifest.files, PROBES: hashlib.sha256(recorded.written()).hexdigest()}
    write_manifest(replace(manifest, files=files), made)
    sign(made)
    return made


def test_one_that_answers_as_registered_is_loaded(tmp_path: Path) -> None:
    recorded = probes(-1.0)
    assert 1 < len(recorded.probabilities) <= MOST
    assert recorded.columns["origin_delay_3h"][0] is None
    assert Probes.read(recorded.written()) == recorded
    assert load_runtime(version_with(tmp_path, recorded), "late", "v1").version == "v1"


def test_one_that_answers_otherwise_is_refused_with_the_worst_difference(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"by up to 0\.\d"):
        load_runtime(version_with(tmp_path, probes(1.0)), "late", "v1")


def test_changed_probes_prove_nothing(tmp_path: Path) -> None:
    made = version_with(tmp_path, probes(-1.0))
    (made / PROBES).write_bytes(probes(1.0).written())
    with pytest.raises(IntegrityError, match="is not what was registered"):
        load_runtime(made, "late", "v1")
