"""Routes by which people change something, or see what waits for them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from homeostat.app.control.service import ControlService
from homeostat.control.versioned_state import Way
from homeostat.web.api.parameters import LoopName, TableName

Json = dict[str, Any]
Said = Annotated[str, StringConstraints(strip_whitespace=True)]
Limit = Annotated[int, Query(ge=1, le=10_000, description="At most so many, newest first.")]


class RollbackRequest(BaseModel):
    """Why a person takes a version back; written to the ledger."""

    reason: Said = Field(default="asked for on the dashboard", min_length=1, max_length=1_000)
    actor: Said = Field(default="dashboard", min_length=1, max_length=200, description="Who asked.")
    generation: int | None = Field(default=None, description="Only the route of this generation, which was seen.")
    state: Way | None = Field(default=None, description="What becomes of the loop's state; its own way by default.")


class RetrainRequest(BaseModel):
    """Why a person wants a training now; written to the ledger."""

    reason: Said = Field(min_length=1, max_length=1_000)


class Answer(BaseModel):
    """What a person answers to a rollout or a policy that asks; written to the ledger."""

    reason: Said = Field(min_length=1, max_length=1_000)
    question: str | None = Field(default=None, max_length=200, description="The one that is meant; any if left out.")


class NamedAnswer(Answer):
    """What somebody answers to a gate that asks; an approval is not the author's to give."""

    by: Said = Field(min_length=1, max_length=200, description="Who answers, as the ledger shall name them.")


class Readmission(BaseModel):
    """Which kept rows to check again; all when neither is given."""

    reason: str | None = Field(default=None, max_length=100, description="Only rows kept for this reason.")
    ids: list[int] | None = Field(default=None, max_length=10_000, description="Only rows with these ids.")


def people_router_of(service: ControlService) -> APIRouter:
    """These routes over one service."""
    router = APIRouter()

    @router.post("/loops/{loop}/rollback", summary="Take a version back")
    def rollback(loop: LoopName, request: RollbackRequest) -> Json:
        """The candidate leaves; without an open rollout, the standby takes over from the champion."""
        return service.rollback(loop, request.reason, request.actor, request.generation, request.state)

    @router.post("/loops/{loop}/rollout/approve", summary="Let the candidate go on")
    def approve(loop: LoopName, answer: Answer) -> Json:
        """The open rollout, which asks, takes its next step; harm that is proven by then still takes it back."""
        return service.answer(loop, answer.question, answer.reason, approved=True)

    @router.post("/loops/{loop}/rollout/refuse", summary="Do not let the candidate go on")
    def refuse(loop: LoopName, answer: Answer) -> Json:
        """The candidate of the open rollout, which asks, leaves at once; the champion serves everything."""
        return service.answer(loop, answer.question, answer.reason, approved=False)

    @router.get("/loops/{loop}/approvals", summary="List what waits for a person")
    def approvals(loop: LoopName) -> Json:
        """Questions of a rollout, of a policy and of the gate that nobody has answered."""
        return {"approvals": service.approvals(loop)}

    @router.post("/loops/{loop}/release/approve", summary="Let a version that passed its gate in")
    def approve_release(loop: LoopName, answer: NamedAnswer) -> Json:
        """It comes in at the next look; refused to the author of its code."""
        return service.answer_release(loop, answer.question, answer.reason, answer.by, approved=True)

    @router.post("/loops/{loop}/release/refuse", summary="Turn a version away that passed its gate")
    def refuse_release(loop: LoopName, answer: NamedAnswer) -> Json:
        """It leaves at once, and nothing changes for anyone."""
        return service.answer_release(loop, answer.question, answer.reason, answer.by, approved=False)

    @router.post("/loops/{loop}/retrain", summary="Train the next version now")
    def retrain(loop: LoopName, request: RetrainRequest) -> Json:
        """Control begins at its next look, past cool-down, quiet hours and budget; one candidate at a time."""
        return service.retrain(loop, request.reason)

    @router.post("/loops/{loop}/retrain/approve", summary="Let a retraining begin")
    def approve_retraining(loop: LoopName, answer: Answer) -> Json:
        """The retraining that is proposed begins at the next look; the month's budget and quiet hours still hold."""
        return service.answer_proposal(loop, answer.question, answer.reason, approved=True)

    @router.post("/loops/{loop}/retrain/refuse", summary="Do not let a retraining begin")
    def refuse_retraining(loop: LoopName, answer: Answer) -> Json:
        """Nothing begins; it is asked about again only after the patience that the policy names."""
        return service.answer_proposal(loop, answer.question, answer.reason, approved=False)

    @router.get("/tables/{table}/quarantine", summary="List rows kept apart")
    def quarantine(table: TableName, limit: Limit = 100) -> Json:
        """The newest rows of a table that broke its contract, each with its content and what was wrong."""
        return service.quarantine(table, limit)

    @router.post("/tables/{table}/quarantine/readmit", summary="Take rows kept apart back in")
    def readmit(table: TableName, which: Readmission) -> Json:
        """Kept rows that keep today's contract become facts, known now; the others stay, with the reason."""
        return service.readmit(table, which.reason, which.ids)

    @router.get("/ledger/verify", summary="Verify the ledger")
    def verify() -> Json:
        """Whether any decision was edited, removed, inserted or cut off."""
        return service.verify_ledger()

    return router
