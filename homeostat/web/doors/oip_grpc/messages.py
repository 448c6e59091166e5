"""The messages of the interface, as classes.

They live in a pool of their own: a loop file may import a client whose messages have the same names.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from homeostat.kernel.errors import InvalidInput
from homeostat.web.doors.oip_grpc.descriptor import SERIALIZED

Message = Any
"""A message of the interface; protobuf makes its classes at run time."""
PACKAGE = "inference"
_POOL = descriptor_pool.DescriptorPool()
for _file in descriptor_pb2.FileDescriptorSet.FromString(SERIALIZED).file:
    _POOL.Add(_file)
SERVICE = _POOL.FindServiceByName(f"{PACKAGE}.GRPCInferenceService")


def message(name: str) -> Message:
    """The class of a message, by its name in the interface."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))


def parsed(kind: Message, content: bytes) -> Message:
    """A message from its bytes. Raises: InvalidInput."""
    try:
        return kind.FromString(content)
    except DecodeError as error:
        raise InvalidInput(
            f"The bytes of the call are no {kind.DESCRIPTOR.name}.",
            mend="Make them with the published interface of the Open Inference Protocol; texts are UTF-8.",
        ) from error


def given_parameters(parameters: Message) -> dict[str, Any]:
    """The values of a map of parameters; one without a value is None."""
    kinds = {name: one.WhichOneof("parameter_choice") for name, one in parameters.items()}
    return {name: None if kind is None else getattr(parameters[name], kind) for name, kind in kinds.items()}


def put_parameters(into: Message, values: dict[str, Any]) -> None:
    """Write values into a map of parameters."""
    for name, value in values.items():
        kind = next(kind for known, kind in _KINDS if isinstance(value, known))
        setattr(into[name], kind, value)


_KINDS = ((bool, "bool_param"), (int, "int64_param"), (float, "double_param"), (str, "string_param"))
