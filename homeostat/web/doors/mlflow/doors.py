"""MLflow's doors: ``/invocations`` for a home of one loop or by loop, and what its clients ask of a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from homeostat.app.prediction_ids import new_prediction_id
from homeostat.kernel.errors import NotFound
from homeostat.web.doors.asking import Asking, filled_in, predictions
from homeostat.web.doors.metrics import health
from homeostat.web.doors.mlflow import bodies, sheets
from homeostat.web.doors.mlflow.columns import Positions, without_nat
from homeostat.web.doors.mlflow.described import described
from homeostat.web.doors.openapi import Description
from homeostat.web.doors.paths import READ, WRITE, Door, Names
from homeostat.web.doors.replies import Response
from homeostat.web.doors.requests import Request, UnsupportedMedia

_TEXT = [("content-type", "text/plain; charset=utf-8")]
_JSON, _CSV = "application/json", "text/csv"


@dataclass(frozen=True, slots=True)
class MlflowDoors:
    """Scoring as MLflow's clients ask for it; each row's reply is that of the plain door."""

    asking: Asking

    def doors(self) -> list[Door]:
        """The doors of this protocol."""
        return [
            Door("invocations", "/invocations", WRITE, self._only),
            Door("invocations", "/loops/{loop}/invocations", WRITE, self._invocations),
            Door("ping", "/ping", READ, self._ping),
            Door("ping", "/health", READ, self._ping),
            Door("version", "/version", READ, self._version),
        ]

    def described(self) -> Description:
        """As MLflow describes its own server, with the rows of each loop."""
        return described([self.asking.plan(loop) for loop in self.asking.live.loops])

    async def _only(self, request: Request, names: Names) -> Response:
        loops = self.asking.live.loops
        if len(loops) != 1:
            mend = f"Ask /loops/{{loop}}/invocations; loops here: {', '.join(loops)}."
            raise NotFound("Several loops are served here; /invocations names none.", mend=mend, loops=list(loops))
        return await self._invocations(request, loops)

    async def _invocations(self, request: Request, names: Names) -> Response:
        (loop,) = names
        self.asking.plan(loop)
        kind = _kind(request.header("content-type"))

        def decode(body: bytes) -> Sequence[object]:
            asked = new_prediction_id(self.asking.now(request))
            return self.asking.completed(request, loop, self._rows(loop, kind, body), asked)

        return await self.asking.exchange(request, loop, decode, predictions)

    def _rows(self, loop: str, kind: str, body: bytes) -> list[object]:
        question = self.asking.plan(loop).question
        if kind == _CSV:
            return sheets.rows_of(body, question.contract)
        rows = bodies.rows_of(body, Positions(question, filled_in(question)))
        return without_nat(rows, question.contract) if b'"NaT"' in body else rows

    async def _ping(self, request: Request, names: Names) -> Response:
        ready, _ = health(self.asking.live)
        if not ready:
            raise self.asking.live.no_version(self.asking.live.loops[0])
        return Response(200, b"\n", _TEXT)

    async def _version(self, request: Request, names: Names) -> Response:
        """The MLflow whose protocol is spoken here: the one that versions are registered with."""
        return Response(200, version("mlflow-skinny").encode(), _TEXT)


def _kind(header: str | None) -> str:
    """JSON or CSV; JSON when nothing is said. Raises: UnsupportedMedia."""
    kind, *parameters = [part.strip().lower() for part in (header or _JSON).split(";")]
    charsets = [value.strip('"') for one in parameters for name, _, value in [one.partition("=")] if name == "charset"]
    if kind in (_JSON, _CSV) and set(charsets) <= {"utf-8", "utf8"}:
        return kind
    raise UnsupportedMedia(
        f"A body of {header} is not read here.",
        mend=f"Send it as {_JSON} or {_CSV}, in UTF-8, and say which in Content-Type.",
        content_type=header,
    )
