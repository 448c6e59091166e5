"""Routes of the control API about alerts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from homeostat.app.control.service import ControlService
from homeostat.kernel.clock import parse_instant
from homeostat.web.api.parameters import Instant, LoopName

Json = dict[str, Any]
AlertId = Annotated[str, Path(max_length=64, description="Id of the alert.")]
Whole = Annotated[bool, Query(alias="all", description="Those that are over, too.")]
ACTOR = "dashboard"


class Seen(BaseModel):
    """That somebody has seen an alert."""

    reason: str = Field(default="", max_length=1_000, description="What they mean to do, if anything.")


class Resolution(BaseModel):
    """That an alert is over, and whether anybody acted on it."""

    acted_on: bool
    reason: str = Field(min_length=1, max_length=1_000)


class SilenceRequest(BaseModel):
    """What is not to be sent, until when and why."""

    rule: str | None = Field(default=None, max_length=100, description="Only this rule; every one if left out.")
    subject: str | None = Field(default=None, max_length=200, description="Only this feature, table or version.")
    until: Instant
    reason: str = Field(min_length=1, max_length=1_000)


def alerts_router_of(service: ControlService) -> APIRouter:
    """The routes over one service."""
    router = APIRouter()

    @router.get("/loops/{loop}/alerts", summary="List its alerts")
    def alerts(loop: LoopName, whole: Whole = False) -> Json:
        """Open alerts, the most urgent first, what became of each rule's, silences, and whether messages arrive."""
        return service.alerts_of(loop, whole=whole)

    @router.post("/alerts/{alert}/ack", summary="Acknowledge an alert")
    def ack(alert: AlertId, seen: Seen) -> Json:
        """Somebody has seen it: it is not sent again unless it gets worse."""
        return service.alerts().acknowledge(alert, ACTOR, seen.reason, service.people_now)

    @router.post("/alerts/{alert}/resolve", summary="Resolve an alert")
    def resolve(alert: AlertId, told: Resolution) -> Json:
        """End it, and say whether anybody acted on it; of one that ended by itself, only that is written down."""
        return service.alerts().resolve(alert, ACTOR, told.reason, service.people_now, acted_on=told.acted_on)

    @router.post("/loops/{loop}/silences", summary="Silence alerts for a while")
    def silence(loop: LoopName, asked: SilenceRequest) -> Json:
        """Nothing of a rule or subject is sent until then; alerts are still listed."""
        now, until = service.people_now(loop), parse_instant(asked.until)
        return service.alerts().silence(loop, asked.rule, asked.subject, until, ACTOR, asked.reason, now)

    @router.post("/silences/{silence}/end", summary="End a silence")
    def end(silence: Annotated[str, Path(max_length=64, description="Id of the silence.")]) -> Json:
        """Alerts that it covered and that last are sent at the next look."""
        return service.alerts().end_silence(silence, ACTOR, service.people_now)

    return router
