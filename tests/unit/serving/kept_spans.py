"""Spans kept where a test can look at them, and a rig whose requests all have a trace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from homeostat.app.tracing.tracer import Tracer
from homeostat.kernel.traces import Span
from homeostat.serving.plans import ServingPlan
from tests.unit.serving.late import PLAN
from tests.unit.serving.rig import Rig

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"


class Kept:
    """Takes spans, and keeps them."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def put(self, spans: Sequence[Span]) -> None:
        """Take spans that belong together."""
        self.spans += spans

    def counts(self) -> Mapping[str, int]:
        """All of them count as sent."""
        return {"sent": len(self.spans)}

    def close(self, patience: float) -> None:
        """Nothing waits."""

    async def taken(self) -> tuple[Span, dict[str, Span]]:
        """As `take`, once there is one: a server may end its own span after its caller has the reply."""
        async with asyncio.timeout(60):
            while not self.spans:
                await asyncio.sleep(0.001)
        return self.take()

    def take(self) -> tuple[Span, dict[str, Span]]:
        """The first span, and those below by name; nothing is kept of them."""
        (own, *rest), self.spans = self.spans, []
        return own, {one.name: one for one in rest}


Scenario = Callable[[Rig, Kept], Awaitable[None]]


def traced(home: Path, scenario: Scenario, *, share: float = 1.0, plan: ServingPlan = PLAN) -> None:
    """Run a scenario on a rig that traces this share of its requests; v1 serves."""

    async def whole() -> None:
        kept = Kept()
        rig = Rig(home, plan=plan, tracer=Tracer(kept, share))
        try:
            await rig.route(generation=1, champion="v1")
            await scenario(rig, kept)
        finally:
            await rig.close()

    asyncio.run(whole())
