"""Scoring off the reply path: a version that fails is unknown, and stops nobody from looking at the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homeostat.app.control import scoring
from homeostat.app.control.scoring import Scorer
from homeostat.kernel.errors import IntegrityError

COLUMNS = {"x": np.array([0.1, 0.2])}
ANSWERS: dict[str, Any] = {
    "good": np.array([0.25, 0.75]),
    "rounded": np.array([-1e-8, 1 + 1e-8]),
    "unknown": np.array([0.5, np.nan]),
    "short": np.array([0.5]),
    "fails": RuntimeError("Unknown Category and zeros = 0."),
    "altered": IntegrityError("The files are not the ones that were registered.", mend="Restore them."),
}


class _Runtime:
    def __init__(self, version: str) -> None:
        self._answer = ANSWERS[version]

    def predict(self, columns: object) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class _Registry:
    def folder(self, loop: str, version: str) -> Path:
        return Path(loop) / version


@pytest.fixture
def scorer(monkeypatch: pytest.MonkeyPatch) -> Scorer:
    monkeypatch.setattr(scoring, "load_runtime", lambda folder, version: _Runtime(version))
    return Scorer("demo", _Registry())  # type: ignore[arg-type]


def test_versions_that_fail_are_left_out_and_the_others_scored(scorer: Scorer) -> None:
    found = scorer.scores(["good", "unknown", "short", "fails", "rounded"], COLUMNS)
    assert {name: scores.tolist() for name, scores in found.items()} == {"good": [0.25, 0.75], "rounded": [0.0, 1.0]}


def test_a_version_whose_files_were_altered_is_an_error_not_an_unknown(scorer: Scorer) -> None:
    with pytest.raises(IntegrityError):
        scorer.scores(["good", "altered"], COLUMNS)
