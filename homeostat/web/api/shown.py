"""Routes over what a loop took in and gave out: tables, features and predictions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from homeostat.app.control.service import ControlService
from homeostat.features.explain import NEWEST
from homeostat.web.api.parameters import LoopName, TableName

Json = dict[str, Any]
FeatureName = Annotated[str, Path(description="Name of a feature, as the model is given it.")]
PredictionId = Annotated[str, Path(description="The prediction_id of a reply.")]
Limit = Annotated[int, Query(ge=1, le=1_000, description="At most so many, newest first.")]
Key = Annotated[
    str | None,
    Query(description="Only predictions of this question: its key, or a JSON list when it has several parts."),
]
Only = Annotated[str | None, Query(description="Explain only this feature.")]
OfVersion = Annotated[str | None, Query(description="The version; the champion by default.")]
What = Annotated[str, Query(description="TABLE, TABLE@VERSION, a view or transform, or a version such as v3.")]
OfLoop = Annotated[str | None, Query(alias="loop", description="Only of this loop; of any by default.")]
Rows = Annotated[int, Query(ge=1, le=1_000, description="List at most so many rows behind each feature, newest first.")]


def shown_router_of(service: ControlService) -> APIRouter:
    """These routes over one service."""
    router = APIRouter()
    showing = service.showing

    @router.get("/tables", summary="List every table")
    def tables() -> Json:
        """Rows, freshness against its objective, and rows kept apart by reason."""
        return {"tables": service.tables()}

    @router.get("/tables/{table}", summary="Show a table")
    def table(table: TableName) -> Json:
        """Its contract and who uses it, facts by event day, and by measured day its silence and rows kept apart."""
        return service.table(table)

    @router.get("/loops/{loop}/features", summary="List its features")
    def features(loop: LoopName) -> Json:
        """Each feature's definition, its last drift, and its missing share over the last seven days."""
        return {"features": showing.features(loop)}

    @router.get("/loops/{loop}/features/{feature}", summary="Show a feature over time")
    def feature(loop: LoopName, feature: FeatureName) -> Json:
        """By day: counts over the bins of the reference, quantiles of a number, missing share, PSI and KS."""
        return showing.feature(loop, feature)

    @router.get("/loops/{loop}/predictions", summary="List predictions")
    def predictions(loop: LoopName, key: Key = None, limit: Limit = 50) -> Json:
        """The predictions recorded last, newest first; the log lags some seconds behind the replies."""
        return {"predictions": showing.predictions(loop, limit, key)}

    @router.get("/loops/{loop}/predictions/{prediction_id}", summary="Explain a prediction")
    def prediction(loop: LoopName, prediction_id: PredictionId, feature: Only = None, rows: Rows = NEWEST) -> Json:
        """Each feature as served and as recomputed from the rows that were known then, with those rows."""
        return showing.prediction(loop, prediction_id, rows, feature)

    @router.get("/loops/{loop}/lineage", summary="Show the lineage of a version")
    def lineage(loop: LoopName, version: OfVersion = None) -> Json:
        """Its tables, definitions, training set, decisions, predictions and consumers, and what leads to what."""
        return service.lineage(loop, version)

    @router.get("/impact", summary="Tell what depends on something")
    def impact(of: What, loop: OfLoop = None) -> Json:
        """Versions that depend on a table, a definition or a version, their predictions, and who reads these."""
        return service.impact(of, loop)

    @router.get("/predictions/{prediction_id}/why", summary="Tell why a prediction was made")
    def why(prediction_id: PredictionId, loop: OfLoop = None, rows: Rows = NEWEST) -> Json:
        """All that made it: rows behind its features as known then, arm, version with fingerprint, gate and approvals,
        what each feature did, and the label once it has matured."""
        return service.why(prediction_id, loop, rows)

    return router
