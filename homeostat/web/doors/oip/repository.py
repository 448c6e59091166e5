"""What every door of the protocol answers, whatever wire it came over: the loops as models, and their predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version as installed

from homeostat.app.prediction_ids import new_prediction_id
from homeostat.data.checks import did_you_mean
from homeostat.kernel.errors import NotFound
from homeostat.serving.live import Serving
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.oip.models import PLATFORM, Model
from homeostat.web.doors.oip.tensors import Tensor
from homeostat.web.doors.requests import Asked


@dataclass(frozen=True, slots=True)
class Repository:
    """Every loop is a model, and its loaded versions are the model's."""

    asking: Asking
    models: Mapping[str, Model]

    @classmethod
    def of(cls, asking: Asking) -> Repository:
        """The models of all loops."""
        return cls(asking, {loop: Model.of(loop, asking.plan(loop).question) for loop in asking.live.loops})

    def index(self, *, only_ready: bool) -> list[dict[str, str]]:
        """Every loop with its loaded versions; one without any has the reason."""
        found: list[dict[str, str]] = []
        for name in self.models:
            loaded = _loaded(self.asking.live.current(name))
            found += [{"name": name, "version": version, "state": "READY", "reason": ""} for version in loaded]
            if not loaded and not only_ready:
                why = self.asking.live.no_version(name).problem
                found.append({"name": name, "version": "", "state": "UNAVAILABLE", "reason": why})
        return found

    def model(self, loop: str, version: str | None) -> tuple[Model, list[str]]:
        """A model with its loaded versions, the champion first.

        Raises: NotFound for no such loop, or a version that is not loaded.
        """
        name = self.asking.plan(loop).name
        loaded = _loaded(self.asking.live.current(name))
        if version is not None and version not in loaded:
            mend = did_you_mean(version, loaded)
            raise NotFound(f"Version {version!r} of loop {name!r} is not loaded here.", mend=mend, loop=name)
        return self.models[name], loaded

    def must_answer(self, loop: str, version: str | None) -> Model:
        """Raises: NotFound as ``model`` does; Unavailable while the loop has no champion."""
        model, _ = self.model(loop, version)
        serving = self.asking.live.current(model.name)
        if serving is None or serving.route.champion is None:
            raise self.asking.live.no_version(model.name)
        return model

    def rows(
        self, request: Asked, loop: str, asked: str | None, read: Callable[[], Sequence[Tensor]]
    ) -> Sequence[object]:
        """The rows that the tensors of a request hold together; ``asked`` is its id.

        Raises: NotFound for no such loop; InvalidInput for tensors that contradict themselves or the loop's columns.
        """
        self.asking.plan(loop)
        rows = self.models[loop].rows(read())
        return self.asking.completed(request, loop, rows, asked or new_prediction_id(self.asking.now(request)))


@cache
def server_version() -> str:
    """The installed release."""
    return installed("homeostat")


def server(extensions: Sequence[str]) -> Mapping[str, object]:
    """What the server says of itself."""
    return {"name": PLATFORM, "version": server_version(), "extensions": extensions}


def _loaded(serving: Serving | None) -> list[str]:
    """Versions that answer, the champion first."""
    return [*serving.runtimes, *serving.candidates] if serving else []
