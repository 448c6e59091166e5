"""Routes that show where loops stand: what serves, how right it is, and what was decided."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from homeostat.app.control.service import ControlService
from homeostat.web.api.parameters import LoopName

Json = dict[str, Any]
Days = Annotated[int, Query(ge=1, le=3_660, description="The last so many days.")]
EventDay = Annotated[str | None, Query(description="That event day, such as 2013-02-01; the newest by default.")]
Worst = Annotated[bool, Query(description="Search all inputs of a sample of the log, too; takes seconds.")]
Cursor = Annotated[int, Query(ge=0, description="Only what is newer than this; 0 for everything.")]
DecisionName = Annotated[str, Path(description="Its place in the ledger.")]
Replay = Annotated[bool, Query(description="Judge again, from the stored situation under the stored policy.")]
Day = Annotated[str | None, Query(max_length=10, description="As known when this day began; now if left out.")]


def standing_router_of(service: ControlService) -> APIRouter:
    """These routes over one service."""
    router = APIRouter()

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

    return router
