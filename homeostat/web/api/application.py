"""The FastAPI application of the control process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from homeostat.app.control.service import ControlService
from homeostat.kernel.errors import HomeostatError, InvalidInput, NotFound, Refused
from homeostat.web.api.alerts import alerts_router_of
from homeostat.web.api.metrics import metrics
from homeostat.web.api.parameters import Failure
from homeostat.web.api.people import people_router_of
from homeostat.web.api.replay import replay_router_of
from homeostat.web.api.shown import shown_router_of
from homeostat.web.api.standing import standing_router_of
from homeostat.web.api.versions import versions_router_of
from homeostat.web.foreign import refuse_foreign
from homeostat.web.statuses import status_of

STATIC = Path(__file__).resolve().parent.parent / "static"
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_FAILURES: dict[int | str, dict[str, Any]] = {"4XX": {"model": Failure}, "5XX": {"model": Failure}}
_ROUTERS = (
    standing_router_of,
    versions_router_of,
    people_router_of,
    shown_router_of,
    alerts_router_of,
    replay_router_of,
)
_NAMES = ("alerts", "tables", "features", "prediction", "lineage", "diagnosis", "economics", "backtest")
PAGES = {"/": "index.html", **{f"/{name}": f"{name}.html" for name in _NAMES}}
Next = Callable[[Request], Awaitable[Response]]


def application(service: ControlService) -> FastAPI:
    """The API and the dashboard over one control service."""
    app = FastAPI(
        title="Homeostat control API",
        description="Where a loop stands, what was decided and why. Predictions and events have doors of their own.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    for router_of in _ROUTERS:
        app.include_router(router_of(service), prefix="/api", responses=_FAILURES)
    app.add_api_route("/metrics", lambda: metrics(service), include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for path, page in PAGES.items():
        app.add_api_route(path, _page(page), include_in_schema=False)
    app.add_exception_handler(HomeostatError, _known_error)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _unexpected)
    app.middleware("http")(_guard)
    return app


def _page(name: str) -> Callable[[], Awaitable[FileResponse]]:
    async def page() -> FileResponse:
        return FileResponse(STATIC / name)

    return page


async def _guard(request: Request, call_next: Next) -> Response:
    """Keep other sites out, and say so to browsers."""
    headers = request.headers
    try:
        refuse_foreign(headers.get("host"), headers.get("origin"), changes=request.method not in ("GET", "HEAD"))
    except Refused as error:
        return await _known_error(request, error)
    response = await call_next(request)
    response.headers.update(_HEADERS)
    return response


async def _known_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HomeostatError)
    return _shape(error)


async def _not_understood(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [{"where": ".".join(str(part) for part in e["loc"]), "problem": e["msg"]} for e in error.errors()]
    first = faults[0]
    known = InvalidInput(
        f"{first['where']}: {first['problem']}.", mend="See /api/openapi.json for the form.", faults=faults
    )
    return _shape(known)


async def _no_route(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    mend = "See /api/openapi.json for the routes and their methods."
    return _shape(NotFound(f"There is no {request.method} {request.url.path} here.", mend=mend), error.status_code)


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    mend = "Look at process-logs/control.log in the home folder."
    return _shape(HomeostatError("Something went wrong inside Homeostat.", mend=mend))


def _shape(error: HomeostatError, status: int | None = None) -> JSONResponse:
    """The one shape of every error."""
    return JSONResponse({"error": jsonable_encoder(error.to_dict())}, status or status_of(error))
