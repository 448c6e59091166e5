from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import NotEnoughData, Refused
from homeostat.training.evaluation import HeldOut, evaluate
from homeostat.training.jobs import JobFolder, TrainingFailed, TrainingJob, TrainingResult
from tests.contract.test_registry import make_version

JOB = TrainingJob("loop.py", "late", "v1", "tables", {"asked": 3}, 41, None, 1_000, 2_000, None, 100)


@pytest.fixture
def place(tmp_path: Path) -> JobFolder:
    """A job's folder in which the job is finished."""
    found = JobFolder(tmp_path)
    version = make_version(found.staged)
    rows = HeldOut(np.array([True, False]), np.array([1, 2]), np.array([0, 0]))
    result = TrainingResult(version, evaluate(rows, ("v1", np.array([0.6, 0.2]))), 2, 1e-7)
    found.result.write_bytes(canonical_json({"job": JOB.hash, "result": result.to_json()}))
    return found


def test_a_job_survives_json() -> None:
    assert TrainingJob.from_json(json.loads(canonical_json(JOB))) == JOB


def test_a_finished_job_is_found(place: JobFolder) -> None:
    found = place.finished(JOB)
    assert found is not None
    assert (found.version.id, found.proof_rows, found.evaluation.rows) == ("late/v1", 2, 2)


def test_another_job_is_not_finished_by_it(place: JobFolder) -> None:
    assert place.finished(replace(JOB, sequence=42)) is None
    assert place.error(replace(JOB, sequence=42)) is None


def test_a_finished_job_whose_files_changed_is_not_finished(place: JobFolder) -> None:
    (place.staged / "model.onnx").write_bytes(b"swapped")
    assert place.finished(JOB) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"job": 1}'])
def test_a_half_written_result_is_none(place: JobFolder, content: bytes) -> None:
    place.result.write_bytes(content)
    assert place.finished(JOB) is None
    assert place.error(JOB) is None


@pytest.mark.parametrize("kind", [Refused, NotEnoughData, TrainingFailed])
def test_an_error_comes_back_as_it_was_raised(place: JobFolder, kind: type[Refused]) -> None:
    error = kind("No.", mend="Do.", rows=3)
    place.result.write_bytes(canonical_json({"job": JOB.hash, "error": error.to_dict()}))
    found = place.error(JOB)
    assert type(found) is kind
    assert found.to_dict() == error.to_dict()
    assert place.finished(JOB) is None


def test_an_error_of_a_kind_unknown_here_is_a_failed_training(place: JobFolder) -> None:
    told = {"code": "of_the_future", "problem": "No.", "mend": "Do.", "facts": {}}
    place.result.write_bytes(canonical_json({"job": JOB.hash, "error": told}))
    assert type(place.error(JOB)) is TrainingFailed
