"""Commands that rehearse what must work in an emergency."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from homeostat.cli.context import opened, person
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, show, talk
from homeostat.kernel.verdicts import REJECT

app = typer.Typer(help="Rehearse a rollback on live traffic.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def drill() -> None:
    """Rehearse a rollback on live traffic."""


@app.command("rollback")
def rollback(
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", min=0.0, max=60.0, help="How long the copy serves.")
    ] = 5.0,
) -> None:
    """Rehearse an immediate rollback with a copy of the champion.

    The copy takes the champion's place on every replica, and for some seconds answers live traffic with the same
    model; then everyone goes back, and that is timed. Answers of the copy are compared with the champion's. The
    report goes into the ledger. Exit code 3 when the drill failed.
    """
    with errors_shown(as_json):
        from homeostat.app.by_hand.drilling import RollbackDrill
        from homeostat.app.recorder.blocking import BlockingRecorderClient
        from homeostat.app.settings import Settings

        operations, found = opened(home, loop)
        recorder = BlockingRecorderClient(operations.home.running().recorder_socket)
        replayed = Settings.load(operations.home.root).clock == "replay"
        talk.print(f"A copy of the champion of {found.name} serves for {seconds:g} s ...")
        done = RollbackDrill(operations, found, recorder.flush, person(), seconds, replayed).run()
    show(done, as_json, _text)
    if done["decision"]["verdict"] == REJECT:
        raise typer.Exit(3)


def _text(done: dict[str, Any]) -> None:
    data.print(f"[bold]{escape(done['decision']['title'])}[/]")
    for reason in done["decision"]["reasons"]:
        data.print(f"  {reason}", markup=False)
