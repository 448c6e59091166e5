"""Commands about retraining: answer a policy which asks first."""

from __future__ import annotations

from typing import Any

import typer

from homeostat.cli.context import opened
from homeostat.cli.operate import changed
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import errors_shown, show
from homeostat.cli.rollout import ReasonOption, YesOption, tell

app = typer.Typer(
    help="Answer a policy that asks to retrain, or watch a training.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def retrain() -> None:
    """Answer a policy that asks to retrain, or watch a training."""


@app.command("approve")
def approve(
    reason: ReasonOption,
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    yes: YesOption = False,
) -> None:
    """Let the retraining begin.

    Shows what is asked and on which evidence, and asks first. Control begins at its next look, whatever the signals
    say by then; the month's budget and quiet hours still hold it back.
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
    """Do not let the retraining begin.

    Nothing begins, and it is not asked about again before the policy's patience is over.
    """
    _answer(loop, home, as_json, reason, yes, approved=False)


def _answer(loop: str | None, home: Any, as_json: bool, reason: str, yes: bool, *, approved: bool) -> None:
    with errors_shown(as_json):
        operations, found = opened(home, loop)
        asked = operations.overview(found, None)["proposal"]
        if asked and not asked["answer"] and not yes:
            tell(asked)
            typer.confirm("Let it begin?" if approved else "Keep it from beginning?", abort=True, err=True)
        question = asked["question"] if asked else None
        done = operations.answer_proposal(found, question, reason, approved=approved, actor="command line", now=None)
        show(done, as_json, changed)
