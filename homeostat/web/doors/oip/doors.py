"""The doors of the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version as installed

from homeostat.data.checks import did_you_mean
from homeostat.kernel.errors import NotFound, Unavailable
from homeostat.serving.live import Serving
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.metrics import health
from homeostat.web.doors.oip.described import described
from homeostat.web.doors.oip.models import PLATFORM, Model
from homeostat.web.doors.oip.outputs import METADATA, chosen, reply
from homeostat.web.doors.oip.packing import parts, unpacked
from homeostat.web.doors.oip.protocol import EXTENSIONS, HEADER_LENGTH, decode_index, decode_infer, error_shape
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
    models: Mapping[str, Model]

    @classmethod
    def of(cls, asking: Asking, once: Once) -> OipDoors:
        """The doors of every loop."""
        return cls(asking, once, {loop: Model.of(loop, asking.plan(loop).question) for loop in asking.live.loops})

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
        return described(self.models)

    async def _server(self, request: Request, names: Names) -> Response:
        return json_response(_server())

    async def _alive(self, request: Request, names: Names) -> Response:
        return json_response({"live": True})

    async def _ready(self, request: Request, names: Names) -> Response:
        ready, _ = health(self.asking.live)
        if not ready:
            raise Unavailable("No loop has a version that answers.", mend="GET /health/ready says why, loop by loop.")
        return json_response({"ready": True})

    async def _index(self, request: Request, names: Names) -> Response:
        only_ready = decode_index(await self.asking.body(request)).ready
        found: list[dict[str, str]] = []
        for name in self.models:
            serving = self.asking.live.current(name)
            loaded = _loaded(serving)
            found += [{"name": name, "version": version, "state": "READY", "reason": ""} for version in loaded]
            if not loaded and not only_ready:
                why = self.asking.live.no_version(name).problem
                found.append({"name": name, "version": "", "state": "UNAVAILABLE", "reason": why})
        return json_response(found)

    async def _model(self, request: Request, names: Names) -> Response:
        model = self._known(names)
        loaded = _loaded(self.asking.live.current(model.name))
        return json_response({**model.metadata, "versions": loaded, "outputs": METADATA})

    async def _model_ready(self, request: Request, names: Names) -> Response:
        model = self._known(names)
        serving = self.asking.live.current(model.name)
        if serving is None or serving.route.champion is None:
            raise self.asking.live.no_version(model.name)
        return json_response({"name": model.name, "ready": True})

    async def _infer(self, request: Request, names: Names) -> Response:
        header, asking = request.header, self.asking
        content = unpacked(await asking.body(request), header("content-encoding"), asking.limit)
        text, binary = parts(content, header(_LENGTH))
        body = decode_infer(text)
        outputs = chosen(body)
        loop, version = names[0], names[1] if len(names) > 1 else None
        asking.plan(loop)
        rows = self.models[loop].rows(read_tensors(body.inputs, binary))
        asked = body.id or asking.name(request)
        replies = await asking.predict(request, loop, asking.completed(request, loop, rows, asked), version=version)
        return reply(loop, body, replies, outputs)

    def _known(self, names: Names) -> Model:
        """The model that a path names. Raises: NotFound for no such loop, or a version that is not loaded."""
        loop = self.asking.plan(names[0]).name
        loaded = _loaded(self.asking.live.current(loop))
        if len(names) > 1 and names[1] not in loaded:
            mend = did_you_mean(names[1], loaded)
            raise NotFound(f"Version {names[1]!r} of loop {loop!r} is not loaded here.", mend=mend, loop=loop)
        return self.models[loop]


@cache
def _server() -> Mapping[str, object]:
    return {"name": PLATFORM, "version": installed("homeostat"), "extensions": EXTENSIONS}


def _loaded(serving: Serving | None) -> list[str]:
    """Versions that answer, the champion first."""
    return [*serving.runtimes, *serving.candidates] if serving else []
