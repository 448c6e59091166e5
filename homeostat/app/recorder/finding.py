"""Looks predictions up by id, from the moment they are durable: in the log, and in the spools on the way there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from homeostat.app.recorder.calls import Reply, decoded
from homeostat.app.recorder.frames import Header
from homeostat.app.recorder.predictions import Predictions, logged
from homeostat.data.tables import TableStore
from homeostat.kernel.errors import InvalidInput

Found = Mapping[str, Any]
"""Some fields of a prediction's record."""
_TOLD = ("prediction_id", "prediction", "version", "arm")
_CHANCES = ("probability", "probabilities")
"""Where a record or the log has on which chances a prediction stands; neither beside a number."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Reads only what ids may be in."""

    log: TableStore
    predictions: Predictions

    def find(self, loop: str, ids: Sequence[str], fields: Sequence[str] | None = None) -> dict[str, Found]:
        """The predictions of these ids that were ever acknowledged, by id; the others are left out."""
        found: dict[str, Found] = dict(logged(self.log, loop, ids, fields))
        if missing := frozenset(ids).difference(found):
            for record in self.predictions.waiting(loop):
                if record.prediction_id in missing:
                    found.setdefault(record.prediction_id, msgspec.structs.asdict(record))
        if missing := frozenset(ids).difference(found):  # what was moved while we looked
            found |= logged(self.log, loop, sorted(missing), fields)
        return found


class FindCall:
    """Answers ``predictions``: what a gateway asks of requests that it may have answered; hands the rest on."""

    def __init__(self, finding: Finding, *, otherwise: Callable[[Header, bytes], Awaitable[Reply]]) -> None:
        self._finding, self._otherwise = finding, otherwise

    async def answer(self, header: Header, body: bytes) -> Reply:
        """The replies that were recorded under some ids. Raises: InvalidInput for a body that is no list of texts."""
        if header.get("call") != "predictions":
            return await self._otherwise(header, body)
        ids = decoded(body, "Send a list of ids.")
        if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
            raise InvalidInput("The body is no list of ids.", mend="Send a list of ids.")
        found = await asyncio.to_thread(self._finding.find, str(header.get("loop")), ids)
        return {"predictions": [_told(one) for one in found.values()]}


def _told(found: Found) -> Reply:
    chances = next((found[name] for name in _CHANCES if found.get(name) is not None), None)
    drawn: dict[str, Any] = {}
    if found.get("acts") is not None:
        drawn = {"act": found["acts"], "explored": bool(found["explored"]), "propensity": float(found["propensity"])}
    told = {**{name: found[name] for name in _TOLD}, "chances": chances}
    return {**told, "defaulted": list(found.get("defaulted") or ()), **drawn}
