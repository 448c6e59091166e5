"""A user's program on ``tritonclient.grpc``: asks a gateway for the loop "late" and prints what it was told."""

from __future__ import annotations

import json
import sys
from queue import Queue
from typing import Any

import numpy as np
import tritonclient.grpc as triton

from tests.service.oip_triton import CARRIERS, HOURS, NAMES

NOW = {"homeostat-now": "2013-02-01T13:00:00Z"}


def tensor(name: str, values: Any, datatype: str) -> triton.InferInput:
    """One tensor of a request; this client always sends them raw."""
    array = np.array(values, dtype=np.object_ if datatype == "BYTES" else triton.triton_to_np_dtype(datatype))
    made = triton.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array)
    return made


def columns() -> list[triton.InferInput]:
    """Three rows, a tensor for each column that has to be sent."""
    return [
        tensor("carrier", CARRIERS, "BYTES"),
        tensor("origin", [["JFK"]] * 3, "BYTES"),
        tensor("hour", HOURS, "INT32"),
        tensor("distance", [[1400.0]] * 3, "FP32"),
    ]


def told(result: triton.InferResult) -> dict[str, Any]:
    """A result as JSON."""
    response = result.get_response()
    tensors = {name: found.tolist() for name in NAMES if (found := result.as_numpy(name)) is not None}
    texts = {
        name: [one.decode() if isinstance(one, bytes) else one for one in found] for name, found in tensors.items()
    }
    mine = {name: one.string_param for name, one in response.parameters.items()}
    return {"model_version": response.model_version, "id": response.id, "outputs": texts, "parameters": mine}


def error_of(client: triton.InferenceServerClient, *arguments: Any, **named: Any) -> list[str]:
    """The status and the message of a refusal."""
    try:
        client.infer(*arguments, headers=NOW, **named)
    except triton.InferenceServerException as error:
        return [str(error.status()), str(error.message())]
    return []


def asked(client: triton.InferenceServerClient) -> dict[str, Any]:
    """Everything that the client can ask of a model."""

    def infer(inputs: list[triton.InferInput], **named: Any) -> dict[str, Any]:
        return told(client.infer("late", inputs, headers=NOW, **named))

    texts = columns()[:2]
    matrix = tensor("input__0", np.column_stack([HOURS, [1400.0] * 3]), "FP32")
    later: Queue[Any] = Queue()
    client.async_infer("late", columns(), lambda result, error: later.put(error or result), headers=NOW)
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": [client.is_model_ready("late"), client.is_model_ready("late", "v2")],
        "other_ready": [client.is_model_ready("late", "v9"), client.is_model_ready("nope")],
        "server": client.get_server_metadata(as_json=True),
        "model": client.get_model_metadata("late", as_json=True),
        "index": client.get_model_repository_index(as_json=True),
        "all": infer(columns(), request_id="q"),
        "some": infer(columns(), outputs=[triton.InferRequestedOutput("probability")]),
        "matrix": infer([*texts, matrix]),
        "gzip": infer(columns(), compression_algorithm="gzip"),
        "asynchronous": told(later.get(timeout=20)),
        "pinned": infer(columns(), model_version="v2", priority=3, timeout=9, parameters={"mine": "x"}),
        "unknown_version": error_of(client, "late", columns(), model_version="v9"),
        "bad_hour": error_of(client, "late", [*texts, tensor("hour", [8.5, 1, 1], "FP64")]),
        "bad_name": error_of(client, "late", [*texts, tensor("hours", HOURS, "INT64")]),
    }


if __name__ == "__main__":
    with triton.InferenceServerClient(sys.argv[1]) as made:
        print(json.dumps(asked(made)))
