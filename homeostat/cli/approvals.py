"""Commands about what waits for a person: to list it, and to answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.cli.context import person
from homeostat.cli.operate import changed
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, ReasonOption
from homeostat.cli.output import data, errors_shown, show, talk, when
from homeostat.kernel.errors import NotFound

if TYPE_CHECKING:
    from homeostat.app.by_hand.operations import Operations
    from homeostat.control.loop import Loop

Json = dict[str, Any]
IdArgument = Annotated[
    str | None, typer.Argument(metavar="ID", help="What is answered, as 'homeostat approvals' tells; the only one.")
]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who answers; by default as git knows you.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def approvals(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List what waits for a person.

    A gate asks whether a version may serve, a rollout whether it may go on, a policy whether to retrain; each with its
    evidence, and until when.
    """
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.loops.loader import load_loops
        from homeostat.app.shown.standings import Standings

        existing = Home(home).existing()
        standings, loops = Standings.open(existing), load_loops(existing.loop_file())
        found = [one for loop in loops.values() for one in standings.approvals(loop, None)]
        show(found, as_json, _listed)


def approve(
    reason: ReasonOption,
    question: IdArgument = None,
    by: ByOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    yes: YesOption = False,
) -> None:
    """Approve what waits for a person.

    Shows what is asked and on which evidence, and asks first. Control acts on it at its next look; proof of harm by
    then still takes a candidate back. What a gate asks is not approved by the author of the code.
    """
    _answer(question, reason, by, home, as_json, yes, approved=True)


def reject(
    reason: ReasonOption,
    question: IdArgument = None,
    by: ByOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    yes: YesOption = False,
) -> None:
    """Reject what waits for a person.

    A candidate leaves at once, whether or not control runs; a training does not begin, and is not asked about again
    before the policy's patience is over.
    """
    _answer(question, reason, by, home, as_json, yes, approved=False)


def _answer(
    question: str | None, reason: str, by: str | None, home: Path, as_json: bool, yes: bool, *, approved: bool
) -> None:
    with errors_shown(as_json):
        operations, loops = _opened(home)
        loop, asked = _meant(operations, loops, question)
        if asked and not yes:
            tell(asked)
            typer.confirm("Approve it?" if approved else "Reject it?", abort=True, err=True)
        chosen = asked["question"] if asked else str(question)
        done = operations.answer_any(loop, chosen, reason, approved=approved, actor=by or person(), now=None)
        show(done, as_json, changed)


def _meant(operations: Operations, loops: list[Loop], question: str | None) -> tuple[Loop, Json | None]:
    """The loop and what it asks: by the question's id, or the only one that is open."""
    found = [(loop, one) for loop in loops for one in operations.approvals(loop, None)]
    if question is not None:
        of = next(((loop, one) for loop, one in found if one["question"] == question), None)
        loop = next((one for one in loops if question.startswith(f"{one.name}/")), loops[0])
        return of or (loop, None)
    if len(found) != 1:
        raise NotFound(
            f"{'Nothing waits' if not found else f'{len(found)} things wait'} for a person.",
            mend="See 'homeostat approvals', and name one by its id; 'homeostat decisions' tells what was answered.",
            questions=[one["question"] for _, one in found],
        )
    return found[0]


def tell(asked: Json) -> None:
    """Say what is asked, since when and on which evidence."""
    talk.print(f"May {asked['may']}? Asked {when(asked['since'])} UTC:", markup=False)
    for reason in asked["reasons"]:
        talk.print(f"  {reason}", markup=False)


def _opened(home: Path) -> tuple[Operations, list[Loop]]:
    from homeostat.app.by_hand.operations import Operations
    from homeostat.app.home import Home
    from homeostat.app.loops.loader import load_loops

    existing = Home(home).existing()
    return Operations.open(existing), list(load_loops(existing.loop_file()).values())


def _listed(found: list[Json]) -> None:
    if not found:
        talk.print("Nothing waits for a person.")
    for one in found:
        data.print(f"{one['question']}", style="bold", markup=False, soft_wrap=True)
        data.print(f"    may {one['may']}? until {when(one['until'])} UTC", markup=False)
        for reason in one["reasons"]:
            data.print(f"    {reason}", markup=False)
