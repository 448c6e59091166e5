"""MLServer: a runtime of one's own, started by its command; in this process, or in so many workers.

With workers it fails to start under uvloop 0.22, which makes no event loop by itself any more.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.serving.peers.model import predictor


class Bench(MLModel):
    """Answers with the model."""

    async def load(self) -> bool:
        """Read it."""
        self._predict = predictor(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """One tensor in, one out."""
        scores = self._predict(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("p", scores)])


def main(folder: str, port: str, workers: str = "0") -> None:
    """Write its two files of settings and start it."""
    from mlserver.cli import main as command

    settings: dict[str, Any] = {
        "host": "127.0.0.1",
        "http_port": int(port),
        "grpc_port": int(port) + 1,
        "metrics_port": int(port) + 2,
        "parallel_workers": int(workers),
        "debug": False,
    }
    model = {"name": "bench", "implementation": f"{__spec__.name}.Bench", "parameters": {"uri": folder}}
    place = Path(folder) / f"mlserver-{workers}"
    place.mkdir(exist_ok=True)
    (place / "settings.json").write_text(json.dumps(settings))
    (place / "model-settings.json").write_text(json.dumps(model))
    sys.argv = ["mlserver", "start", str(place)]
    command()


if __name__ == "__main__":
    main(*sys.argv[1:])
