"""A body that does not come is not waited for for ever, and its sender is told so in the words of its protocol."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.serving.conftest import WithRig
from tests.unit.serving.oip import INFER
from tests.unit.serving.rig import NOW_HEADER, PREDICT, Answer, Rig, Scope, Transport


class Stalled(Transport):
    """A sender that has gone quiet."""

    async def __call__(self) -> bytes:
        await asyncio.Event().wait()
        return b""


@pytest.mark.parametrize("path", [PREDICT, INFER])
def test_a_stalled_body_is_408_in_time_and_not_before(with_rig: WithRig[object], path: str) -> None:
    async def scenario(rig: Rig) -> None:
        answer = Answer()
        scope = Scope("POST", path, "", {**NOW_HEADER, "content-length": "10"})
        asked = asyncio.ensure_future(rig.doors(scope, Stalled([], answer, leaves=False, head=False)))
        for _ in range(30):
            await asyncio.sleep(0)
            rig.doors._bodies.look()
        assert not asked.done()
        await asyncio.sleep(0)
        rig.doors._bodies.look()
        await asked
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        told = answer.json if path == INFER else answer.error
        assert told["code"] == "too_slow"

    with_rig(scenario)
