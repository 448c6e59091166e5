"""Commands about the ledger."""

from __future__ import annotations

from typing import Any

import typer

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import data, errors_shown, show

app = typer.Typer(help="Check the record of every decision.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def ledger() -> None:
    """Check the record of every decision."""


@app.command("verify")
def verify(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Find any decision that was edited, removed, inserted or cut off.

    Compares every entry with its hash chain and with the signed heads that lie outside the database. Exit code
    3 when something does not fit.
    """
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.shown.on_record import OnRecord

        found = OnRecord.open(Home(home).existing()).verify_ledger()
    show(found, as_json, _text)
    if not found["intact"]:
        raise typer.Exit(3)


def _text(found: dict[str, Any]) -> None:
    if found["intact"]:
        data.print(f"The ledger is intact: {found['entries']} entries, {found['heads']} signed heads.")
    for problem in found["problems"]:
        data.print("[bold red]problem[/]: ", end="")
        data.print(problem, markup=False)
