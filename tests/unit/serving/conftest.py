"""A rig per test, closed after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from homeostat.serving.plans import ServingPlan
from tests.unit.serving.late import PLAN
from tests.unit.serving.rig import Rig

Result = TypeVar("Result")
WithRig = Callable[[Callable[[Rig], Awaitable[Result]]], Result]


@pytest.fixture
def with_rig_of(tmp_path: Path) -> Callable[[ServingPlan], WithRig[object]]:
    """Run a coroutine function on a fresh rig of a plan."""

    def of(plan: ServingPlan) -> WithRig[object]:
        def run(scenario: Callable[[Rig], Awaitable[object]]) -> object:
            async def whole() -> object:
                rig = Rig(tmp_path, plan=plan)
                try:
                    return await scenario(rig)
                finally:
                    await rig.close()

            return asyncio.run(whole())

        return run

    return of


@pytest.fixture
def with_rig(with_rig_of: Callable[[ServingPlan], WithRig[object]]) -> WithRig[object]:
    """Run a coroutine function on a fresh rig."""
    return with_rig_of(PLAN)
