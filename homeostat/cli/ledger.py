"""Commands about the ledger."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import data, errors_shown, headed, show, talk
from homeostat.kernel.words import plural

NotedOption = Annotated[
    typer.FileText | None,
    typer.Option(
        "--noted",
        metavar="FILE",
        encoding="utf-8",
        errors="replace",
        help="Lines of 'homeostat ledger head', kept elsewhere; - reads standard input.",
    ),
]
app = typer.Typer(help="Check the record of every decision.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def ledger() -> None:
    """Check the record of every decision."""


@app.command("verify")
def verify(home: HomeOption = DEFAULT_HOME, noted: NotedOption = None, as_json: JsonOption = False) -> None:
    """Find any decision that was edited, removed, inserted or cut off.

    Compares every entry with its hash chain, with the signed heads that lie outside the database, and with ends of
    the ledger that were noted elsewhere ('homeostat ledger head'): those tell even what was done by somebody who can
    write database, heads and key. Exit code 3 when something does not fit.
    """
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.shown.on_record import OnRecord
        from homeostat.governance.noted import read_noted

        ends = read_noted(noted.read()) if noted else []
        found = OnRecord.open(Home(home).existing()).verify_ledger(ends)
    show(found, as_json, _text)
    if not found["intact"]:
        raise typer.Exit(3)


@app.command("head")
def head(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Print where the ledger ends: place and hash of its last decision.

    One line, to be noted where who can write this home cannot: on another machine, in a ticket, on paper.
    'homeostat ledger verify --noted FILE' proves later that nothing up to there was changed.
    """
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.shown.on_record import OnRecord

        found = OnRecord.open(Home(home).existing()).ledger_head()
    show({"seq": found and found.seq, "hash": found and found.hash}, as_json, lambda _: _head(found))


def _head(found: object) -> None:
    if found is None:
        talk.print("Nothing is decided yet.")
    else:
        data.print(str(found))


def _text(found: dict[str, Any]) -> None:
    if found["intact"]:
        noted = f", {found['noted']} noted elsewhere" if found["noted"] else ""
        data.print(
            f"The ledger is intact: {plural(found['entries'], 'entry', 'entries')}, "
            f"{plural(found['heads'], 'signed head')}{noted}."
        )
    for problem in found["problems"]:
        headed("problem: ", problem, "bold red")
