"""The doors of the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from homeostat.kernel.errors import NotFound, Unavailable
from homeostat.serving.gateway import Reply
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.metrics import health
from homeostat.web.doors.oip.described import described
from homeostat.web.doors.oip.outputs import chosen, metadata, reply
from homeostat.web.doors.oip.packing import parts, unpacked
from homeostat.web.doors.oip.protocol import (
    EXTENSIONS,
    HEADER_LENGTH,
    InferBody,
    decode_index,
    decode_infer,
    error_shape,
)
from homeostat.web.doors.oip.repository import Repository, server
from homeostat.web.doors.oip.tensors import read_tensors
from homeostat.web.doors.once import Once
from homeostat.web.doors.openapi.parts import Description
from homeostat.web.doors.paths import READ, WRITE, Door, Names
from homeostat.web.doors.replies import Response, json_response
from homeostat.web.doors.requests import Request

_LENGTH = HEADER_LENGTH.lower()


@dataclass(frozen=True, slots=True)
class OipDoors:
    """Tensors in, tensors out; a loop is a model, and its loaded versions are the model's."""

    asking: Asking
    once: Once
    repository: Repository

    def doors(self) -> list[Door]:
        """The doors of this protocol; the last one answers for every path below that there is none."""
        door = partial(Door, errors=error_shape)
        found = [
            door("v2_server", "/v2", READ, self._server),
            door("v2_live", "/v2/health/live", READ, self._alive),
            door("v2_ready", "/v2/health/ready", READ, self._ready),
            door("v2_index", "/v2/repository/index", WRITE, self._index),
        ]
        for model in ("/v2/models/{loop}", "/v2/models/{loop}/versions/{version}"):
            found += [
                door("v2_model", model, READ, self._model),
                door("v2_model_ready", f"{model}/ready", READ, self._model_ready),
                door("infer", f"{model}/infer", WRITE, self.once(self._infer)),
            ]
        patterns = [str(one) for one in found]

        async def nowhere(request: Request, names: Names) -> Response:
            mend = f"Doors here: {'; '.join(patterns)}."
            raise NotFound(f"There is no door {request.path}.", mend=mend, doors=patterns)

        return [*found, door("none", "/v2", (), nowhere, below=True)]

    def described(self) -> Description:
        """What these doors take and give."""
        return described(self.repository.models)

    async def _server(self, request: Request, names: Names) -> Response:
        return json_response(server(EXTENSIONS))

    async def _alive(self, request: Request, names: Names) -> Response:
        return json_response({"live": True})

    async def _ready(self, request: Request, names: Names) -> Response:
        ready, _ = health(self.asking.live)
        if not ready:
            raise Unavailable("No loop has a version that answers.", mend="GET /health/ready says why, loop by loop.")
        return json_response({"ready": True})

    async def _index(self, request: Request, names: Names) -> Response:
        only_ready = decode_index(await self.asking.body(request)).ready
        return json_response(self.repository.index(only_ready=only_ready))

    async def _model(self, request: Request, names: Names) -> Response:
        model, loaded = self.repository.model(*_named(names))
        outputs = metadata(self.asking.plan(model.name).feedback)
        return json_response({**model.metadata, "versions": loaded, "outputs": outputs})

    async def _model_ready(self, request: Request, names: Names) -> Response:
        model = self.repository.must_answer(*_named(names))
        return json_response({"name": model.name, "ready": True})

    async def _infer(self, request: Request, names: Names) -> Response:
        header, asking = request.header, self.asking
        loop, version = _named(names)
        told: list[InferBody] = []

        def decode(content: bytes) -> Sequence[object]:
            text, binary = parts(unpacked(content, header("content-encoding"), asking.limit), header(_LENGTH))
            body = decode_infer(text)
            told.append(body)
            chosen(body)
            return self.repository.rows(request, loop, body.id, partial(read_tensors, body.inputs, binary))

        def shape(replies: list[Reply]) -> Response:
            return reply(loop, told[0], replies, chosen(told[0], asking.plan(loop).feedback))

        return await asking.exchange(request, loop, decode, shape, version=version)


def _named(names: Names) -> tuple[str, str | None]:
    """The loop of a path, and the version where it has one."""
    return names[0], names[1] if len(names) > 1 else None
