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


def opened(home: Path, loop: str | None) -> tuple[Operations, Loop]:
    """The use cases of an existing home and the loop that is meant."""
    from homeostat.app.home import Home
    from homeostat.app.loader import load_loop
    from homeostat.app.operations import Operations
    from homeostat.app.settings import Settings

    existing = Home(home).existing()
    settings = Settings.load(existing.root)
    return Operations.open(existing), load_loop(settings.loop_file, loop)


def opened_by_name(home: Path, loop: str | None) -> tuple[Operations, str]:
    """The same with the loop's name alone, as it was started: for what must be quick, and not stop at a broken file."""
    from homeostat.app.home import Home
    from homeostat.app.operations import Operations
    from homeostat.app.settings import Settings

    existing = Home(home).existing()
    started = Settings.load(existing.root).definitions
    if loop is None and len(started) == 1:
        (loop,) = started
    if loop in started:
        return Operations.open(existing), loop
    operations, found = opened(home, loop)
    return operations, found.name


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

    return MlflowRegistry(home.root / "mlflow.sqlite", home.root / "mlflow-artifacts", home.versions)
