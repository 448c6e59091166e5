"""What the protocol sends, and how its clients read an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from homeostat.kernel.errors import HomeostatError, InvalidInput
from homeostat.web.doors.requests import decode_as

EXTENSIONS = ("binary_tensor_data", "model_repository", "parameters")
HEADER_LENGTH = "Inference-Header-Content-Length"
_SHAPE = 'Send {"inputs": [{"name": column, "shape": [rows], "datatype": "FP64", "data": [value, ...]}, ...]}.'
_GREATEST = 2**63


class Input(msgspec.Struct):
    """One tensor of a request; its values are in ``data``, or behind the JSON as ``binary_data_size`` says."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] | None = None
    data: list[Any] | None = None

    def parameter(self, name: str) -> Any:
        """A parameter of the tensor, or None."""
        return self.parameters.get(name) if self.parameters else None


class Wanted(msgspec.Struct):
    """One tensor that a request asks for."""

    name: str
    parameters: dict[str, Any] | None = None


class InferBody(msgspec.Struct):
    """The JSON of a request; members and parameters that nobody here knows are accepted."""

    inputs: list[Input]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[Wanted] | None = None


class IndexBody(msgspec.Struct):
    """The JSON of a request for the index of models."""

    ready: bool = False


_INFER = msgspec.json.Decoder(InferBody)
_INDEX = msgspec.json.Decoder(IndexBody)


def decode_infer(text: bytes) -> InferBody:
    """The JSON of a request. Raises: InvalidInput."""
    return decode_as(_INFER, text, _SHAPE)


def decode_index(text: bytes) -> IndexBody:
    """The JSON of a request for the index; nothing asks for all. Raises: InvalidInput."""
    return decode_as(_INDEX, text, 'Send {"ready": true}, or nothing.') if text.strip() else IndexBody()


def error_shape(error: HomeostatError) -> Mapping[str, object]:
    """Clients of this protocol show what they find under "error"; the parts stand beside it."""
    return {"error": str(error), **error.to_dict()}


def echoed(parameters: Mapping[str, Any] | None) -> dict[str, object]:
    """Parameters of a request that its reply repeats: all but those that speak of the request's own form."""
    given = parameters or {}
    return {name: value for name, value in given.items() if name not in _OWN and _plain(value)}


def switch(parameters: Mapping[str, Any] | None, name: str) -> bool | None:
    """A parameter that is true or false; None where it is left out. Raises: InvalidInput."""
    value = parameters.get(name) if parameters else None
    if value is None or isinstance(value, bool):
        return value
    raise InvalidInput(f"Parameter {name!r} is neither true nor false.", mend="Send true or false.", parameter=name)


_OWN = frozenset({"binary_data_output", "content_type", "headers"})


def _plain(value: object) -> bool:
    """Whether a value is of a kind that the protocol lets parameters have."""
    if isinstance(value, int):
        return -_GREATEST <= value < _GREATEST
    return isinstance(value, str | float)
