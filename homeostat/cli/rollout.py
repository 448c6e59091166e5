"""Commands that answer a rollout which asks a person."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli.context import opened
from homeostat.cli.operate import changed
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import errors_shown, show, talk, when

Json = dict[str, Any]
_ACTOR = "command line"
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; written to the ledger.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
app = typer.Typer(help="Answer a rollout that asks.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def rollout() -> None:
    """Answer a rollout that asks."""


@app.command("approve")
def approve(
    reason: ReasonOption,
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    yes: YesOption = False,
) -> None:
    """Let the candidate go on.

    Shows what is asked and on which evidence, and asks first. Control takes the step at its next look; if there is
    proof of harm by then, the candidate is taken back all the same.
    """
    _answer(loop, home, as_json, reason, yes, approved=True)


@app.command("refuse")
def refuse(
    reason: ReasonOption,
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    yes: YesOption = False,
) -> None:
    """Do not let the candidate go on.

    It leaves at once, whether or not control runs, and the champion serves everything; the command ends when every
    replica has followed.
    """
    _answer(loop, home, as_json, reason, yes, approved=False)


def _answer(loop: str | None, home: Any, as_json: bool, reason: str, yes: bool, *, approved: bool) -> None:
    with errors_shown(as_json):
        operations, found = opened(home, loop)
        shown = operations.overview(found, None)["rollout"]
        asked = shown and shown["asked"]
        if asked and not asked["answer"] and not yes:
            tell(asked)
            typer.confirm("Let it go on?" if approved else "Take it back?", abort=True, err=True)
        question = asked["question"] if asked else None
        done = operations.answer(found, question, reason, approved=approved, actor=_ACTOR, now=None)
        show(done, as_json, changed)


def tell(asked: Json) -> None:
    """Say what is asked, since when and on which evidence."""
    talk.print(f"May {asked['may']}? Asked {when(asked['since'])} UTC:", markup=False)
    for reason in asked["reasons"]:
        talk.print(f"  {reason}", markup=False)
