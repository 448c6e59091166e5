"""BentoML: a service with one worker."""

from __future__ import annotations

import os
import sys
from typing import Any

import bentoml
import numpy as np

from benchmarks.serving.peers.model import predictor

_FOLDER = "BENCH_MODEL_FOLDER"


@bentoml.service(name="bench", workers=1)
class Bench:
    """Answers with the model."""

    def __init__(self) -> None:
        self._predict = predictor(os.environ[_FOLDER])

    @bentoml.api
    def predict(self, rows: list[list[float]]) -> dict[str, Any]:
        """Rows of numbers in, their probabilities out."""
        return {"predictions": self._predict(np.array(rows)).tolist()}


if __name__ == "__main__":
    os.environ[_FOLDER] = sys.argv[1]
    told = ["--host", "127.0.0.1", "--port", sys.argv[2], "--api-workers", "1"]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", "serve", f"{__spec__.name}:Bench", *told])
