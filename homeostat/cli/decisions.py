"""Commands about decisions: the list, and why one was taken."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from homeostat.cli.context import on_record
from homeostat.cli.listing import ListByDefault
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, headed, one_line, show, talk, when

Json = dict[str, Any]
AfterOption = Annotated[
    int, typer.Option("--after", metavar="N", help="Only decisions after this place in the ledger.")
]

app = typer.Typer(
    cls=ListByDefault,
    help="List every decision with its reasons, or explain one. 'homeostat decisions [LOOP]' lists.",
    rich_markup_mode=None,
)


@app.command("list")
def listed(
    loop: LoopArgument = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False, after: AfterOption = 0
) -> None:
    """List every decision with its reasons, oldest first."""
    with errors_shown(as_json):
        found, name = on_record(home, loop)
        show(found.decisions(name, after), as_json, print_decisions)


@app.command("explain")
def explain(
    decision: Annotated[str, typer.Argument(metavar="ID", help="Its number in 'homeostat decisions'.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Judge again from what is stored, and say whether the verdict is equal.")
    ] = False,
) -> None:
    """Tell why a decision was taken: in one sentence, in full, and from what.

    A decision to train holds the situation that it was judged from and the policy that judged it. With --replay that
    policy judges that situation again; exit code 3 when it says anything else than it said then, or when there is
    nothing to judge from. Works whether or not Homeostat runs, and without the loop file.
    """
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.shown.decided import explained
        from homeostat.app.shown.on_record import OnRecord

        found = explained(OnRecord.open(Home(home).existing()).store, decision, replayed=replay)
        show(found, as_json, _explained)
    if replay and not found["replay"]["equal"]:
        raise typer.Exit(3)


def print_decisions(found: list[Json]) -> None:
    """Print decisions with their reasons."""
    if not found:
        talk.print("No decision yet.")
    for one in found:
        head = (f"{one['seq']:>4}  {when(one['at'])}  {one_line(one['title'])}", "bold")
        data.print(Text.assemble(head, (f"  {one['verdict']} by {one_line(one['actor'])}", "dim")))
        for reason in one["reasons"]:
            data.print(f"      {one_line(reason)}", markup=False)


def _explained(found: Json) -> None:
    print_decisions([{**found, "reasons": [found["sentence"]]}])
    if found["problem"] and not found["replay"]:
        talk.print(found["problem"], markup=False)
    if found["found"]:
        data.print("\nIn full:")
        for finding in (*found["guards"], found["found"]):
            _finding(finding, 1)
        _diagnosed(found["evidence"].get("diagnosis"))
    if found["policy_version"]:
        data.print(f"\npolicy {found['policy_version'][:12]}; --json shows it, and the situation that it judged")
    if found["replay"]:
        _replayed(found["replay"])


def _diagnosed(told: Json | None) -> None:
    """What lay behind it, as far as was known, and what that calls for."""
    if told:
        cause, call = (str(told[name]).replace("_", " ") for name in ("cause", "intervention"))
        data.print(f"  diagnosis: {cause}, {call}  {told['because']}", markup=False)


def _finding(finding: Json, depth: int) -> None:
    said, indent = finding["verdict"], "  " * depth
    kind = finding["kind"].replace("_", " ")
    leaf = not finding["parts"] or finding["kind"] == "sustained"
    data.print(f"{indent}{kind}: {said}{'  ' + '; '.join(finding['reasons']) if leaf else ''}", markup=False)
    for part in finding["parts"]:
        _finding(part, depth + 1)


def _replayed(again: Json) -> None:
    if again["equal"]:
        data.print("Judged again from what is stored: the same verdict, for the same reasons.")
        return
    headed("problem: ", again["problem"] or "Judged again from what is stored, it is not the same:", "bold red")
    for difference in again["differences"]:
        data.print(f"  {difference}", markup=False)
