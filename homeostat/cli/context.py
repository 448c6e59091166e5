"""From a home folder to the loop and the use cases a command needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeostat.app.operations import Operations
    from homeostat.control.loop import Loop


def opened(home: Path, loop: str | None) -> tuple[Operations, Loop]:
    """The use cases of an existing home and the loop that is meant."""
    from homeostat.app.home import Home
    from homeostat.app.loader import load_loop
    from homeostat.app.operations import Operations
    from homeostat.app.settings import Settings

    existing = Home(home).existing()
    settings = Settings.load(existing.root)
    return Operations.open(existing), load_loop(settings.loop_file, loop)
