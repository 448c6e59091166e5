"""A rig per test, closed after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.unit.serving.rig import Rig

Result = TypeVar("Result")
WithRig = Callable[[Callable[[Rig], Awaitable[Result]]], Result]


@pytest.fixture
def with_rig(tmp_path: Path) -> WithRig[object]:
    """Run a coroutine function on a fresh rig."""

    def run(scenario: Callable[[Rig], Awaitable[object]]) -> object:
        async def whole() -> object:
            rig = Rig(tmp_path)
            try:
                return await scenario(rig)
            finally:
                await rig.close()

        return asyncio.run(whole())

    return run
