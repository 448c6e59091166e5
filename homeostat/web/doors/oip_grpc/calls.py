"""What the calls of the interface answer: the messages of REST's answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from homeostat.kernel.errors import NotFound, Unavailable
from homeostat.serving.gateway import Reply
from homeostat.web.doors.metrics import health
from homeostat.web.doors.oip.binary_tensors import bytes_of_values
from homeostat.web.doors.oip.outputs import OUTPUTS, Chosen, chosen, metadata, versions_of
from homeostat.web.doors.oip.protocol import EXTENSIONS, InferBody, Wanted, echoed
from homeostat.web.doors.oip.repository import Repository, server
from homeostat.web.doors.oip_grpc.contents import tensors_of
from homeostat.web.doors.oip_grpc.messages import Message, given_parameters, message, put_parameters
from homeostat.web.doors.requests import Asked

Answer = Callable[[Message, Asked], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the interface; ``door`` is what metrics call it, ``loop`` the field that names the model.

    ``once`` says that it takes an idempotency key.
    """

    door: str
    request: Message
    answer: Answer
    loop: str | None = None
    once: bool = False


def calls_of(repository: Repository) -> Mapping[str, Call]:
    """Every call of the interface, by its name there."""
    answers = _Answers(repository)
    return {
        "ServerLive": Call("grpc_live", message("ServerLiveRequest"), answers.alive),
        "ServerReady": Call("grpc_ready", message("ServerReadyRequest"), answers.ready),
        "ServerMetadata": Call("grpc_server", message("ServerMetadataRequest"), answers.server),
        "ModelReady": Call("grpc_model_ready", message("ModelReadyRequest"), answers.model_ready, "name"),
        "ModelMetadata": Call("grpc_model", message("ModelMetadataRequest"), answers.model, "name"),
        "ModelInfer": Call("grpc_infer", message("ModelInferRequest"), answers.infer, "model_name", once=True),
        "RepositoryIndex": Call("grpc_index", message("RepositoryIndexRequest"), answers.index),
    }


@dataclass(frozen=True, slots=True)
class _Answers:
    repository: Repository

    async def alive(self, request: Message, asked: Asked) -> Message:
        return message("ServerLiveResponse")(live=True)

    async def ready(self, request: Message, asked: Asked) -> Message:
        return message("ServerReadyResponse")(ready=health(self.repository.asking.live)[0])

    async def server(self, request: Message, asked: Asked) -> Message:
        return message("ServerMetadataResponse")(**server(EXTENSIONS))

    async def model_ready(self, request: Message, asked: Asked) -> Message:
        """Never an error: clients ask again and again until it is true."""
        try:
            self.repository.must_answer(request.name, request.version or None)
        except (NotFound, Unavailable):
            return message("ModelReadyResponse")(ready=False)
        return message("ModelReadyResponse")(ready=True)

    async def model(self, request: Message, asked: Asked) -> Message:
        model, loaded = self.repository.model(request.name, request.version or None)
        told = message("ModelMetadataResponse")(name=model.name, versions=loaded, platform=model.metadata["platform"])
        _tell_tensors(told.inputs, model.metadata["inputs"])  # type: ignore[arg-type]
        _tell_tensors(told.outputs, metadata(self.repository.asking.plan(model.name).feedback))
        put_parameters(told.parameters, model.metadata.get("parameters", {}))  # type: ignore[arg-type]
        return told

    async def infer(self, request: Message, asked: Asked) -> Message:
        parameters = given_parameters(request.parameters)
        body = _body(request, parameters)
        chosen(body)
        loop, version = request.model_name, request.model_version or None
        read = partial(tensors_of, request)
        rows = self.repository.rows(asked, loop, request.id or None, read)
        replies = await self.repository.asking.predict(asked, loop, rows, version=version)
        told = message("ModelInferResponse")(model_name=loop, model_version=versions_of(replies), id=request.id)
        put_parameters(told.parameters, echoed(parameters))
        _tell_outputs(told, replies, chosen(body, self.repository.asking.plan(loop).feedback))
        return told

    async def index(self, request: Message, asked: Asked) -> Message:
        return message("RepositoryIndexResponse")(models=self.repository.index(only_ready=request.ready))


def _body(request: Message, parameters: dict[str, object]) -> InferBody:
    """What the request says of its outputs; one more than there are is enough to see that it says too much."""
    wanted = request.outputs[: len(OUTPUTS) + 1]
    outputs = [Wanted(one.name, given_parameters(one.parameters)) for one in wanted]
    return InferBody([], None, parameters, outputs)


def _tell_tensors(into: Message, tensors: Sequence[Mapping[str, object]]) -> None:
    for one in tensors:
        told = into.add(name=one["name"], datatype=one["datatype"], shape=one["shape"])
        put_parameters(told.parameters, one.get("parameters", {}))  # type: ignore[arg-type]


def _tell_outputs(into: Message, replies: Sequence[Reply], outputs: Chosen) -> None:
    for output, _ in outputs:
        values = [output.of(one) for one in replies]
        into.outputs.add(name=output.name, datatype=output.datatype, shape=[len(values)])
        into.raw_output_contents.append(bytes_of_values(output.datatype, values))
