"""Routes of the control API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from homeostat.app.control.service import ControlService
from homeostat.control.versioned_state import Way
from homeostat.kernel.clock import parse_instant

Json = dict[str, Any]
LoopName = Annotated[str, Path(description="Name of the loop, as its file gives it.")]
VersionName = Annotated[str, Path(description="A registered version, such as v3.")]
OtherVersion = Annotated[str, Query(max_length=20, description="The version to compare it with.")]
TableName = Annotated[str, Path(description="Name of a table, as the loop file gives it.")]
Limit = Annotated[int, Query(ge=1, le=10_000, description="At most so many, newest first.")]
Days = Annotated[int, Query(ge=1, le=3_660, description="The last so many days.")]
EventDay = Annotated[str | None, Query(description="That event day, such as 2013-02-01; the newest by default.")]
Worst = Annotated[bool, Query(description="Search all inputs of a sample of the log, too; takes seconds.")]
Cursor = Annotated[int, Query(ge=0, description="Only what is newer than this; 0 for everything.")]
DecisionName = Annotated[str, Path(description="Its place in the ledger.")]
Replay = Annotated[bool, Query(description="Judge again, from the stored situation under the stored policy.")]
Day = Annotated[str | None, Query(max_length=10, description="As known when this day began; now if left out.")]
Instant = Annotated[str, Field(description="ISO-8601 with its offset, such as 2013-02-01T05:00:00Z.")]


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


class RollbackRequest(BaseModel):
    """Why a person takes a version back; written to the ledger."""

    reason: str = Field(default="asked for on the dashboard", min_length=1, max_length=1_000)
    actor: str = Field(default="dashboard", min_length=1, max_length=200, description="Who asked.")
    generation: int | None = Field(default=None, description="Only the route of this generation, which was seen.")
    state: Way | None = Field(default=None, description="What becomes of the loop's state; its own way by default.")


class RetrainRequest(BaseModel):
    """Why a person wants a training now; written to the ledger."""

    reason: str = Field(min_length=1, max_length=1_000)


class Answer(BaseModel):
    """What a person answers to a rollout or a policy that asks; written to the ledger."""

    reason: str = Field(min_length=1, max_length=1_000)
    question: str | None = Field(default=None, max_length=200, description="The one that is meant; any if left out.")


class NamedAnswer(Answer):
    """What somebody answers to a gate that asks; an approval is not the author's to give."""

    by: str = Field(min_length=1, max_length=200, description="Who answers, as the ledger shall name them.")


class Readmission(BaseModel):
    """Which kept rows to check again; all when neither is given."""

    reason: str | None = Field(default=None, max_length=100, description="Only rows kept for this reason.")
    ids: list[int] | None = Field(default=None, max_length=10_000, description="Only rows with these ids.")


class Problem(BaseModel):
    """What every error says."""

    code: str = Field(description="Stable and safe to program against.")
    problem: str
    mend: str = Field(description="What to do about it.")
    facts: Json


class Failure(BaseModel):
    """The one shape of every error."""

    error: Problem


def router_of(service: ControlService) -> APIRouter:
    """All routes over one service."""
    router = APIRouter(responses={"4XX": {"model": Failure}, "5XX": {"model": Failure}})

    @router.get("/loops", summary="Name every loop")
    def loops() -> Json:
        """Names and owners of the loops that run here."""
        return {"loops": service.loops()}

    @router.get("/loops/{loop}/overview", summary="Show where a loop stands")
    def overview(loop: LoopName) -> Json:
        """The route, the champion and its promise, the open rollout, what is under way, freshness and totals."""
        return service.overview(loop)

    @router.get("/loops/{loop}/route", summary="Show what serves, replica by replica")
    def route(loop: LoopName) -> Json:
        """Champion, canary, shadows, experiments and standby, and the generation that each replica serves."""
        return service.route(loop)

    @router.get("/loops/{loop}/serving", summary="Show what serving did over the last minutes")
    def serving(loop: LoopName) -> Json:
        """The route and every replica; requests, errors and latency by arm; where the time goes; null is unknown."""
        return service.serving(loop)

    @router.get("/loops/{loop}/windows", summary="List its event days")
    def windows(loop: LoopName, after: Cursor = 0) -> Json:
        """Inputs, drift and outcomes of each day that changed after a cursor, and the cursor to ask with next."""
        return service.windows(loop, after)

    @router.get("/loops/{loop}/skew", summary="Show how far serving and training agree")
    def skew(loop: LoopName) -> Json:
        """Per feature the share of sampled rows whose served value offline does not confirm, its bounds and cause."""
        return service.skew(loop)

    @router.get("/loops/{loop}/drift", summary="Show how far its inputs are from training")
    def drift(loop: LoopName, day: EventDay = None) -> Json:
        """Every drift signal of a day, the newest unless told, beside its limit and which kind of limit it is."""
        return service.drift(loop, day)

    @router.get("/loops/{loop}/performance", summary="Show how right it is")
    def performance(loop: LoopName, days: Days = 14) -> Json:
        """Figures with labels and before them, what estimates were worth, and labels that lack; null is unknown."""
        return service.performance(loop, days)

    @router.get("/loops/{loop}/slices", summary="Show how right it is by slice")
    def slices(loop: LoopName, days: Days = 14, worst: Worst = False) -> Json:
        """Every figure by declared slice beside all rows, the worst first, and which grew worse; null is unknown."""
        return service.slices(loop, days, worst)

    @router.get("/loops/{loop}/economics", summary="Show what it costs and saves")
    def economics(loop: LoopName) -> Json:
        """Decay, staleness, retraining, how often it pays, errors; what is unknown says why and asks for its input."""
        return service.economics(loop)

    @router.get("/loops/{loop}/diagnosis", summary="Show why it does worse")
    def diagnosis(loop: LoopName, at: Day = None) -> Json:
        """The likeliest cause, what to do, and every question of the tree with its answer and evidence."""
        return service.diagnosis(loop, at)

    @router.get("/loops/{loop}/backtest", summary="Show what other policies would have come to")
    def backtest(loop: LoopName) -> Json:
        """The last back-test: every policy by week, its costs and regret, and a picture; 404 before the first."""
        return service.backtest(loop)

    @router.get("/loops/{loop}/decisions", summary="List what was decided and why")
    def decisions(loop: LoopName, after: Cursor = 0) -> Json:
        """Decisions after a place in the ledger, oldest first, each with its reasons and evidence."""
        return {"decisions": service.decisions(loop, after)}

    @router.get("/loops/{loop}/decisions/{decision}/explanation", summary="Explain a decision")
    def explanation(loop: LoopName, decision: DecisionName, replay: Replay = False) -> Json:
        """The verdict in one sentence and in full, what it was judged from, and whether it can be made again."""
        return service.explanation(loop, decision, replayed=replay)

    @router.get("/loops/{loop}/versions", summary="List its versions")
    def versions(loop: LoopName) -> Json:
        """Every version, newest first, with its standing, held-out figures and fingerprint."""
        return {"versions": service.versions(loop)}

    @router.get("/loops/{loop}/versions/{version}", summary="Show what a version was made of")
    def version(loop: LoopName, version: VersionName) -> Json:
        """Its recorded code, data, config and environment, read from its folder and proven to be as registered."""
        return service.version(loop, version)

    @router.get("/loops/{loop}/versions/{version}/steps", summary="Show the steps by which a version was made")
    def steps(loop: LoopName, version: VersionName) -> Json:
        """What each step took and gave, its rows, warnings, seconds and memory; null is unknown."""
        return service.steps(loop, version)

    @router.get("/loops/{loop}/versions/{version}/difference", summary="Tell what changed to another version")
    def difference(loop: LoopName, version: VersionName, to: OtherVersion) -> Json:
        """By leg: lines of code, tables and rows, keys of the config, packages; null where it was not recorded."""
        return service.difference(loop, version, to)

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
