"""Ray Serve: a deployment of one replica on a local cluster of one core."""

from __future__ import annotations

import signal
import sys
from typing import Any

import numpy as np
import ray
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=100, ray_actor_options={"num_cpus": 0.5})
class Bench:
    """Answers with the model."""

    def __init__(self, folder: str) -> None:
        from benchmarks.serving.peers.model import predictor

        self._predict = predictor(folder)

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Rows of numbers in, their probabilities out."""
        rows = (await request.json())["rows"]
        return {"predictions": self._predict(np.array(rows)).tolist()}


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, logging_level="error")
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[2])})
    serve.run(Bench.bind(sys.argv[1]))
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    ray.shutdown()
