"""From a home folder to the loop and the use cases a command needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeostat.app.home import Home
    from homeostat.app.operations import Operations
    from homeostat.app.showing import Showing
    from homeostat.control.loop import Loop
    from homeostat.registry.models import Registry
    from homeostat.serving.routing import Route


def opened(home: Path, loop: str | None) -> tuple[Operations, Loop]:
    """The use cases of an existing home and the loop that is meant."""
    from homeostat.app.home import Home
    from homeostat.app.loader import load_loop
    from homeostat.app.operations import Operations
    from homeostat.app.settings import Settings

    existing = Home(home).existing()
    settings = Settings.load(existing.root)
    return Operations.open(existing), load_loop(settings.loop_file, loop)


def serving(home: Path, loop: str | None) -> tuple[Home, Route]:
    """An existing home and the route that its replicas follow of the loop that is meant.

    Its loop file is read only where there is no such route, for what is quick must not stop at a broken one.
    """
    from homeostat.app.going_back import served_route
    from homeostat.app.home import Home

    existing = Home(home).existing()
    route = served_route(existing, loop)
    if route is None:
        operations, found = opened(home, loop)
        route = operations.state(found.name).route
    return existing, route


def shown(home: Path, loop: str | None) -> tuple[Showing, Loop]:
    """What can be shown of an existing home, running or not, and the loop that is meant."""
    from homeostat.app.recorder.client import BlockingRecorderClient
    from homeostat.app.showing import Showing, nothing_to_flush
    from homeostat.kernel.errors import NotFound

    operations, found = opened(home, loop)
    try:
        flush = BlockingRecorderClient(operations.home.running().recorder_socket).flush
    except NotFound:
        return Showing(operations, {found.name: found}, nothing_to_flush), found
    return Showing(operations, {found.name: found}, flush), found


def registry_of(home: Home) -> Registry:
    """The model registry of a home; its libraries take seconds to import."""
    from homeostat.adapters.mlflow.registry import MlflowRegistry
    from homeostat.app.trust import keyring

    return MlflowRegistry(home.root / "mlflow.sqlite", home.root / "mlflow-artifacts", home.versions, keyring())
