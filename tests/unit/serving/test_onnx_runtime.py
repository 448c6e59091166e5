"""The file that runs is the file that was registered, and it computes what the model means."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.adapters.onnx.runtime import OnnxRuntime
from homeostat.app.versions.runtimes import load_runtime
from homeostat.kernel.errors import HomeostatError, IntegrityError, NotFound, Untrusted
from homeostat.registry.models import Kind
from tests.unit.serving.late import INPUTS
from tests.unit.serving.parts import expected, model, save_version

NUMBERS: tuple[tuple[str, Kind], ...] = (("hour", "number"), ("delay", "number"))
COLUMNS = {
    "carrier": ["UA", None, "XX"],
    "hour": [5, None, 1e300],
    "origin_delay_3h": [None, 10.0, 0.0],
    "other": [1, 2, 3],
}


@pytest.mark.parametrize("shape", ["n", "n1", "n2"])
def test_probabilities_of_the_positive_class_whatever_the_outputs_shape(tmp_path: Path, shape: str) -> None:
    runtime = load_runtime(save_version(tmp_path, "v1", model(-1.0, shape=shape)), "late", "v1")
    found = runtime.predict(COLUMNS)
    assert found.tolist() == pytest.approx([expected(-1, 5), expected(-1, 0, "", 10.0), 1.0], abs=1e-6)
    assert (runtime.version, runtime.inputs) == ("v1", INPUTS)


@pytest.mark.parametrize("shape", ["n", "n1", "n2"])
def test_one_row_of_numbers_is_answered_as_it_is_among_others(shape: str) -> None:
    runtime = OnnxRuntime("v1", NUMBERS, model(-1.0, shape=shape, inputs=NUMBERS))
    rows: list[tuple[float | None, float | None]] = [(5, 10.0), (None, 2.5), (1e300, 0.0), (-1e300, None), (8.5, -0.25)]
    together = runtime.predict({"hour": [row[0] for row in rows], "delay": [row[1] for row in rows]})
    alone = [runtime.predict({"hour": [hour], "delay": [delay]}) for hour, delay in rows]
    assert [answer.tolist() for answer in alone] == [[answer] for answer in together.tolist()]


def test_a_changed_model_is_refused(tmp_path: Path) -> None:
    folder = save_version(tmp_path, "v1", model(-1.0))
    (folder / "model.onnx").write_bytes(model(-0.5))
    with pytest.raises(IntegrityError, match=r"model\.onnx is not what was registered"):
        load_runtime(folder, "late", "v1")


def test_another_versions_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError):
        load_runtime(save_version(tmp_path, "v1", model(-1.0)), "late", "v2")


def test_a_missing_folder_or_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load_runtime(tmp_path / "nowhere", "late", "v1")
    folder = save_version(tmp_path, "v1", model(-1.0))
    (folder / "model.onnx").unlink()
    with pytest.raises(Untrusted, match=r"model\.onnx is missing"):
        load_runtime(folder, "late", "v1")


def test_a_model_that_does_not_fit_its_manifest_is_refused() -> None:
    with pytest.raises(IntegrityError, match="hour"):
        OnnxRuntime("v1", (("carrier", "text"), ("hour", "text"), ("origin_delay_3h", "number")), model(0.0))
    with pytest.raises(IntegrityError, match="loaded"):
        OnnxRuntime("v1", INPUTS, b"not a model")
    with pytest.raises(HomeostatError, match="gone"):
        OnnxRuntime("v1", (*INPUTS, ("gone", "number")), model(0.0))
