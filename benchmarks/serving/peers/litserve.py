"""LitServe: an API with one worker on the processor."""

from __future__ import annotations

import sys
from typing import Any

import litserve
import numpy as np

from benchmarks.serving.peers.model import predictor


class Bench(litserve.LitAPI):
    """Answers with the model."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder

    def setup(self, device: str) -> None:
        """Read it."""
        self._predict = predictor(self._folder)

    def decode_request(self, request, **kwargs):  # its annotation would decide how the body is read
        """Rows of numbers."""
        return np.array(request["rows"])

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """Their probabilities."""
        return self._predict(x)

    def encode_response(self, output: Any, **kwargs: Any) -> Any:
        """As JSON."""
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Bench(sys.argv[1]), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), num_api_servers=1, generate_client_file=False, log_level="error"
    )
