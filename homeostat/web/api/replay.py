"""Routes of a replay: where it is, and the wait until an instant is decided."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from homeostat.app.control.service import ControlService
from homeostat.kernel.clock import parse_instant
from homeostat.web.api.parameters import Instant

Json = dict[str, Any]


class Barrier(BaseModel):
    """An instant that a replay has reached."""

    now: Instant


class Progress(BaseModel):
    """Where a replay is, for people to see."""

    start: Instant
    until: Instant
    at: Instant
    phase: str = Field(max_length=200, description="What it is doing, in a few words.")
    done: bool = False


def replay_router_of(service: ControlService) -> APIRouter:
    """These routes over one service."""
    router = APIRouter()

    @router.post("/replay", summary="Tell where a replay is")
    def progress(told: Progress) -> Json:
        """Only shown to people; decides nothing."""
        instants = {name: parse_instant(getattr(told, name)) for name in ("start", "until", "at")}
        service.progress(**instants, phase=told.phase, done=told.done)
        return {}

    @router.post("/replay/barrier", summary="Wait until a replay is decided")
    def barrier(told: Barrier) -> Json:
        """Returns when everything up to an instant is decided; refused on the system clock."""
        return service.barrier(parse_instant(told.now))

    return router
