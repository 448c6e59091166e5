"""Replies as tensors: those that were asked for, in JSON or in binary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import msgspec

from homeostat.data.checks import did_you_mean
from homeostat.data.feedback import Feedback
from homeostat.kernel.errors import InvalidInput
from homeostat.serving.gateway import Reply
from homeostat.stats.tasks import Multiclass, Task
from homeostat.web.doors.oip.binary_tensors import bytes_of_values
from homeostat.web.doors.oip.protocol import HEADER_LENGTH, InferBody, Wanted, echoed, switch
from homeostat.web.doors.replies import JSON, Response


@dataclass(frozen=True, slots=True)
class Output:
    """A tensor with one element for each row."""

    name: str
    datatype: str
    of: Callable[[Reply], object]


def _listed(names: Sequence[str]) -> str:
    return msgspec.json.encode(names).decode() if names else "[]"


_PREDICTION = {
    "binary": (
        Output("prediction", "BOOL", lambda reply: reply.prediction),
        Output("probability", "FP64", lambda reply: reply.probability),
    ),
    "regression": (Output("prediction", "FP64", lambda reply: reply.prediction),),
    "multiclass": (Output("prediction", "BYTES", lambda reply: reply.prediction),),
}
_SHARED = (
    Output("prediction_id", "BYTES", lambda reply: reply.prediction_id),
    Output("version", "BYTES", lambda reply: reply.version),
    Output("arm", "BYTES", lambda reply: reply.arm),
    Output("defaulted", "BYTES", lambda reply: _listed(reply.defaulted)),
    Output("warnings", "BYTES", lambda reply: _listed(reply.warnings)),
    Output("act", "BOOL", lambda reply: reply.act is True),
    Output("explored", "BOOL", lambda reply: reply.explored is True),
    Output("propensity", "FP64", lambda reply: reply.propensity if isinstance(reply.propensity, float) else 1.0),
)
OF_FEEDBACK = ("act", "explored", "propensity")
"""Those of loops that declare a feedback; of others they go back only where they are asked for: nobody acts on them."""
Chosen = Sequence[tuple[Output, bool]]
"""Outputs in the order in which they go back, and whether each goes in binary."""


@cache
def outputs_of(task: Task) -> Mapping[str, Output]:
    """The tensors of a loop's replies by name: of several classes one of chances for each, ``probability.CLASS``.

    >>> list(outputs_of(Multiclass(("a", "b"))))[:3]
    ['prediction', 'probability.a', 'probability.b']
    """
    classes = task.classes if isinstance(task, Multiclass) else ()
    chances = [Output(f"probability.{name}", "FP64", _chance(name)) for name in classes]
    return {output.name: output for output in (*_PREDICTION[task.name], *chances, *_SHARED)}


def _chance(name: str) -> Callable[[Reply], object]:
    return lambda reply: reply.probabilities[name] if isinstance(reply.probabilities, dict) else None


_NOT_HERE = ("classification", "shared_memory_region", "shared_memory_byte_size", "shared_memory_offset")


def usual(task: Task, feedback: Feedback | None = None) -> list[Output]:
    """The outputs of a loop."""
    told = feedback is not None and feedback.draws
    return [one for one in outputs_of(task).values() if told or one.name not in OF_FEEDBACK]


def metadata(task: Task, feedback: Feedback | None = None) -> list[Mapping[str, object]]:
    """What a model says of its outputs."""
    return [{"name": one.name, "datatype": one.datatype, "shape": [-1]} for one in usual(task, feedback)]


def chosen(body: InferBody, task: Task, feedback: Feedback | None = None) -> Chosen:
    """The outputs that a request asks for: all of its loop where it names none. Raises: InvalidInput."""
    binary, outputs = bool(switch(body.parameters, "binary_data_output")), outputs_of(task)
    if not body.outputs:
        return [(output, binary) for output in usual(task, feedback)]
    found = {wanted.name: (_output(wanted, outputs), _in_binary(wanted, binary)) for wanted in body.outputs}
    if len(found) < len(body.outputs):
        raise InvalidInput("An output is asked for twice.", mend="Name each output once.")
    return list(found.values())


def reply(model: str, body: InferBody, replies: Sequence[Reply], outputs: Chosen) -> Response:
    """The reply to a request; ``model_version`` names every version that answered."""
    told: dict[str, object] = {
        "model_name": model,
        "model_version": versions_of(replies),
    }
    if body.id is not None:
        told["id"] = body.id
    if parameters := echoed(body.parameters):
        told["parameters"] = parameters
    tensors: list[Mapping[str, object]] = []
    binary: list[bytes] = []
    for output, in_binary in outputs:
        values = [output.of(one) for one in replies]
        tensor = {"name": output.name, "datatype": output.datatype, "shape": [len(values)]}
        if in_binary:
            binary.append(bytes_of_values(output.datatype, values))
            tensors.append({**tensor, "parameters": {"binary_data_size": len(binary[-1])}})
        else:
            tensors.append({**tensor, "data": values})
    told["outputs"] = tensors
    return _response(msgspec.json.encode(told), binary)


def versions_of(replies: Sequence[Reply]) -> str:
    """Every version that answered, with commas between."""
    return ",".join(dict.fromkeys(one.version for one in replies))


def _response(text: bytes, binary: Sequence[bytes]) -> Response:
    if not binary:
        return Response(200, text, [JSON])
    headers = [("content-type", "application/octet-stream"), (HEADER_LENGTH.lower(), str(len(text)))]
    return Response(200, b"".join((text, *binary)), headers)


def _output(wanted: Wanted, outputs: Mapping[str, Output]) -> Output:
    found = outputs.get(wanted.name)
    if found is None:
        name = wanted.name[:60]
        raise InvalidInput(f"No output {name!r} here.", mend=did_you_mean(name, outputs), output=name)
    return found


def _in_binary(wanted: Wanted, otherwise: bool) -> bool:
    for name in _NOT_HERE:
        if wanted.parameters and wanted.parameters.get(name):
            problem = f"Output {wanted.name!r} is asked for with {name!r}, which is not offered here."
            raise InvalidInput(problem, mend="Leave the parameter out.", output=wanted.name)
    told = switch(wanted.parameters, "binary_data")
    return otherwise if told is None else told
