"""Routes that show versions of a loop: what each was made of and how, and what changed between two."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from homeostat.app.control.service import ControlService
from homeostat.web.api.parameters import LoopName

Json = dict[str, Any]
VersionName = Annotated[str, Path(description="A registered version, such as v3.")]
OtherVersion = Annotated[str, Query(max_length=20, description="The version to compare it with.")]


def versions_router_of(service: ControlService) -> APIRouter:
    """These routes over one service."""
    router = APIRouter()

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

    return router
