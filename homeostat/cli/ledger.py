"""Commands about the ledger."""

from __future__ import annotations

from typing import Any

import typer

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import data, errors_shown, show

app = typer.Typer(help="The record of every decision.", no_args_is_help=True)


@app.callback()
def ledger() -> None:
    """The record of every decision."""


@app.command("verify")
def verify(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Check that no decision was edited, removed, inserted or cut off. Exit code 3 when one was."""
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.operations import Operations

        found = Operations.open(Home(home).existing()).verify_ledger()
    show(found, as_json, _text)
    if not found["intact"]:
        raise typer.Exit(3)


def _text(found: dict[str, Any]) -> None:
    if found["intact"]:
        data.print(f"The ledger is intact: {found['entries']} entries, {found['heads']} signed heads.")
    for problem in found["problems"]:
        data.print(f"[bold red]problem[/]: {problem}")
