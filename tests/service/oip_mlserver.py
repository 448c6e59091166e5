"""A user's program on MLServer's types and codecs: asks a gateway for the loop "late" and prints what it was told.

MLServer's package imports its whole server, of which clients need nothing: only its types and codecs are imported.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pandas as pd

(_place,) = importlib.util.find_spec("mlserver").submodule_search_locations or ()  # type: ignore[union-attr]
sys.modules["mlserver"] = ModuleType("mlserver")
sys.modules["mlserver"].__path__ = [_place]

from mlserver import types  # type: ignore[attr-defined]  # noqa: E402
from mlserver.codecs import Base64Codec, NumpyCodec, PandasCodec, StringCodec  # noqa: E402

FRAME = pd.DataFrame(
    {
        "carrier": pd.Series(["UA", "DL", "AA"], dtype=object),
        "origin": pd.Series(["JFK"] * 3, dtype=object),
        "hour": [8, 12, 23],
        "distance": [1400.0, np.nan, 3.5],
    }
)


def asked(client: httpx.Client) -> dict[str, Any]:
    """Requests that the codecs encode, and replies that they decode."""

    def infer(request: types.InferenceRequest) -> types.InferenceResponse:
        answer = client.post("/v2/models/late/infer", content=request.model_dump_json())
        assert answer.status_code == 200, answer.text
        return types.InferenceResponse.model_validate_json(answer.content)

    texts = [
        StringCodec.encode_input("carrier", FRAME["carrier"].tolist()),
        Base64Codec.encode_input("origin", [b"JFK"] * 3),
    ]
    matrix = NumpyCodec.encode_input("predict", FRAME[["hour", "distance"]].to_numpy())
    by_columns = infer(PandasCodec.encode_request(FRAME))
    by_matrix = infer(types.InferenceRequest(id="q", inputs=[*texts, matrix]))
    outputs = {output.name: output for output in by_matrix.outputs}
    error = client.post("/v2/models/late/infer", content=types.InferenceRequest(inputs=texts).model_dump_json())
    server = types.MetadataServerResponse.model_validate_json(client.get("/v2").content)
    model = types.MetadataModelResponse.model_validate_json(client.get("/v2/models/late").content)
    index = types.RepositoryIndexResponse.model_validate_json(client.post("/v2/repository/index").content)
    return {
        "server": server.model_dump(),
        "model": model.model_dump(),
        "index": [one.model_dump(mode="json") for one in index],
        "columns": PandasCodec.decode_response(by_columns).to_dict("list"),
        "id": by_matrix.id,
        "probability": NumpyCodec.decode_output(outputs["probability"]).ravel().tolist(),
        "prediction": NumpyCodec.decode_output(outputs["prediction"]).ravel().tolist(),
        "version": StringCodec.decode_output(outputs["version"]),
        "error": [error.status_code, types.InferenceErrorResponse.model_validate_json(error.content).error],
    }


if __name__ == "__main__":
    present = {"Homeostat-Now": "2013-02-01T13:00:00Z"}
    with httpx.Client(base_url=f"http://{sys.argv[1]}", headers=present, trust_env=False) as made:
        print(json.dumps(asked(made)))
