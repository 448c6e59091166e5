"""The command that runs loops."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.app.installation import Installation
from homeostat.app.settings import Settings
from homeostat.cli.options import DEFAULT_HOME, DEFAULT_PORT, HomeOption, PortOption
from homeostat.cli.output import errors_shown, talk


def up(
    loop_file: Annotated[Path, typer.Argument(help="Python file that makes the loop or loops.")] = Path("loop.py"),
    home: HomeOption = DEFAULT_HOME,
    port: PortOption = DEFAULT_PORT,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Take the time from the header Homeostat-Now instead of the clock."),
    ] = False,
) -> None:
    """Run the loops of a file: doors, control and dashboard, until Ctrl-C."""
    with errors_shown():
        settings = settings_of(loop_file, home, port, replay)
        with Installation(settings, notice) as running:
            talk.print(f"dashboard  [bold]{settings.control_url}[/]")
            talk.print(f"doors      [bold]{settings.doors_url}[/]  (predictions and events)")
            talk.print(f"state      {settings.home}    stop with Ctrl-C")
            running.watch()
            talk.print("stopping …")


def settings_of(loop_file: Path, home: Path, port: int, replay: bool) -> Settings:
    """Settings with absolute paths; a port out of range is refused with its mend by the installation."""
    return Settings(
        home=home.resolve(), loop_file=loop_file.resolve(), port=port, clock="replay" if replay else "system"
    )


def notice(text: str) -> None:
    """Tell what the supervisor did."""
    talk.print(f"[yellow]notice[/]: {text}", markup=True)
