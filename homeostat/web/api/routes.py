"""Routes of the control API."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from homeostat.app.control.service import ControlService
from homeostat.kernel.clock import parse_instant

Json = dict[str, Any]


class Barrier(BaseModel):
    """An instant that a replay has reached."""

    now: str


class Progress(BaseModel):
    """Where a replay is, for people to see."""

    start: str
    until: str
    at: str
    phase: str = Field(max_length=200)
    done: bool = False


class RollbackRequest(BaseModel):
    """Why a person takes the champion back."""

    reason: str = Field(default="asked for on the dashboard", min_length=1, max_length=1_000)


def router_of(service: ControlService) -> APIRouter:
    """All routes over one service."""
    router = APIRouter()

    @router.get("/loops")
    def loops() -> Json:
        return {"loops": service.loops()}

    @router.get("/loops/{loop}/overview")
    def overview(loop: str) -> Json:
        return service.overview(loop)

    @router.get("/loops/{loop}/windows")
    def windows(loop: str, after: int = 0) -> Json:
        return service.windows(loop, after)

    @router.get("/loops/{loop}/decisions")
    def decisions(loop: str, after: int = 0) -> Json:
        return {"decisions": service.decisions(loop, after)}

    @router.get("/loops/{loop}/versions")
    def versions(loop: str) -> Json:
        return {"versions": service.versions(loop)}

    @router.post("/loops/{loop}/rollback")
    def rollback(loop: str, request: RollbackRequest) -> Json:
        return service.rollback(loop, request.reason)

    @router.get("/ledger/verify")
    def verify() -> Json:
        return service.verify_ledger()

    @router.post("/replay")
    def progress(told: Progress) -> Json:
        instants = {name: parse_instant(getattr(told, name)) for name in ("start", "until", "at")}
        service.progress(**instants, phase=told.phase, done=told.done)
        return {}

    @router.post("/replay/barrier")
    def barrier(told: Barrier) -> Json:
        return service.barrier(parse_instant(told.now))

    return router
