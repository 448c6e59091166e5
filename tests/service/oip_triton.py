"""A user's program on ``tritonclient``: asks a gateway for the loop "late" and prints what it was told.

In a process of its own, since the client brings gevent along.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton

HOURS = [8, 12, 23]
CARRIERS = ["UA", "DL", "AA"]
NAMES = ["prediction", "probability", "prediction_id", "version", "arm", "defaulted", "warnings"]


def present() -> dict[str, str]:
    """Headers of one request; the client writes its own into them."""
    return {"Homeostat-Now": "2013-02-01T13:00:00Z"}


def tensor(name: str, values: Any, datatype: str, *, binary: bool = True) -> triton.InferInput:
    """One tensor of a request."""
    array = np.array(values, dtype=np.object_ if datatype == "BYTES" else triton.triton_to_np_dtype(datatype))
    made = triton.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def columns(*, binary: bool) -> list[triton.InferInput]:
    """Three rows, a tensor for each column that has to be sent."""
    return [
        tensor("carrier", CARRIERS, "BYTES", binary=binary),
        tensor("origin", [["JFK"]] * 3, "BYTES", binary=binary),
        tensor("hour", HOURS, "INT32", binary=binary),
        tensor("distance", [[1400.0]] * 3, "FP32", binary=binary),
    ]


def told(result: triton.InferResult) -> dict[str, Any]:
    """A result as JSON."""
    response = result.get_response()
    arrays = {name: result.as_numpy(name) for name in NAMES}
    tensors = {name: None if found is None else found.tolist() for name, found in arrays.items()}
    texts = {
        name: [one.decode() if isinstance(one, bytes) else one for one in found] if found else None
        for name, found in tensors.items()
    }
    return {"model_version": response["model_version"], "id": response.get("id"), "outputs": texts}


def error_of(client: triton.InferenceServerClient, *arguments: Any, **named: Any) -> list[str]:
    """The status and the message of a refusal."""
    try:
        client.infer(*arguments, headers=present(), **named)
    except triton.InferenceServerException as error:
        return [str(error.status()), str(error.message())]
    return []


def asked(client: triton.InferenceServerClient) -> dict[str, Any]:
    """Everything that the client can ask of a model."""

    def infer(inputs: list[triton.InferInput], **named: Any) -> dict[str, Any]:
        return told(client.infer("late", inputs, headers=present(), **named))

    in_json = [triton.InferRequestedOutput(name, binary_data=False) for name in NAMES]
    matrix = tensor("input__0", np.column_stack([HOURS, [1400.0] * 3]), "FP32")
    texts = columns(binary=True)[:2]
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready("late"),
        "version_ready": client.is_model_ready("late", "v2"),
        "other_ready": [client.is_model_ready("late", "v9"), client.is_model_ready("nope")],
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata("late"),
        "index": client.get_model_repository_index(),
        "binary": infer(columns(binary=True), request_id="q"),
        "json": infer(columns(binary=False), outputs=in_json),
        "mixed": infer([*texts, *columns(binary=False)[2:]], outputs=[triton.InferRequestedOutput("probability")]),
        "matrix": infer([*texts, matrix], outputs=in_json),
        "gzip": infer(columns(binary=True), request_compression_algorithm="gzip"),
        "deflate": infer(
            columns(binary=True), request_compression_algorithm="deflate", response_compression_algorithm="gzip"
        ),
        "pinned": infer(columns(binary=True), model_version="v2", priority=3, timeout=9, parameters={"mine": "x"}),
        "asynchronous": told(client.async_infer("late", columns(binary=True), headers=present()).get_result()),
        "unknown_version": error_of(client, "late", columns(binary=True), model_version="v9"),
        "bad_hour": error_of(client, "late", [*texts, tensor("hour", [8.5, 1, 1], "FP64")]),
        "bad_name": error_of(client, "late", [*texts, tensor("hours", HOURS, "INT64")]),
    }


if __name__ == "__main__":
    with triton.InferenceServerClient(sys.argv[1]) as made:
        print(json.dumps(asked(made)))
