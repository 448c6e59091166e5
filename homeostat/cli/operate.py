"""Commands that read a loop or take a version back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, figure, print_table, show, talk

Json = dict[str, Any]


def status(loop: LoopArgument = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Where a loop stands: what serves, what is under way, what was decided last."""
    with errors_shown(as_json):
        operations, found = opened(home, loop)
        show(operations.overview(found, None), as_json, _status)


def decisions(
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    after: Annotated[int, typer.Option("--after", help="Only decisions after this place in the ledger.")] = 0,
) -> None:
    """Every decision with its reasons, oldest first."""
    with errors_shown(as_json):
        operations, found = opened(home, loop)
        show(operations.decisions(found, after), as_json, _decisions)


def versions(loop: LoopArgument = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Every version, its standing and its held-out figures, newest first."""
    with errors_shown(as_json):
        operations, found = opened(home, loop)
        show(operations.versions(found), as_json, _versions)


def rollback(
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; written to the ledger.")] = "no reason given",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """Take the candidate back, or flip to the standby when no rollout is open. Serving follows at once."""
    with errors_shown(as_json):
        operations, found = opened(home, loop)
        route = operations.state(found.name).route
        leaving, staying = (route.canary, route.champion) if route.canary else (route.champion, route.standby)
        if staying is not None and not yes:
            typer.confirm(f"Take {leaving} back? Then {staying} serves all of {found.name}.", abort=True, err=True)
        show(operations.rollback(found, reason, actor="command line", now=None), as_json, _rolled_back)


def _status(shown: Json) -> None:
    route, champion, rollout = shown["route"], shown["champion"], shown["rollout"]
    data.print(f"[bold]{shown['loop']}[/]  decided until {shown['decided_until'] or 'nothing yet'}")
    if champion is None:
        data.print("No version serves yet: the first one is trained once enough labels are mature.")
    else:
        promise = champion["promise"]
        data.print(
            f"champion  {champion['version']}  trained on {champion['rows']:,} rows, promised"
            f" log-loss {figure(promise['log_loss'])}, AUC {figure(promise['auc'])}, skill {figure(promise['skill'])}"
        )
        data.print(f"standby   {route['standby'] or 'none'}")
    if rollout:
        share = rollout["steps"][rollout["step"]]
        data.print(f"rollout   {rollout['candidate']} at {share:.0%}, holding until {rollout['hold_until']}")
    print_table(
        ["so far", ""],
        [[name.replace("_", " "), f"{n:,}"] for name, n in shown["totals"].items()],
        right=[""],
    )
    if shown["last_decision"]:
        _decisions([shown["last_decision"]])


def _decisions(found: list[Json]) -> None:
    if not found:
        talk.print("No decision yet.")
    for one in found:
        data.print(f"[bold]{one['seq']:>4}  {one['at']}  {one['title']}[/]  ({one['verdict']}, {one['actor']})")
        for reason in one["reasons"]:
            data.print(f"      {reason}", markup=False)


def _versions(found: list[Json]) -> None:
    if not found:
        talk.print("No version yet.")
        return
    rows = []
    for one in found:
        metrics = one["metrics"] or {}
        rows.append(
            [
                one["version"],
                one["state"].replace("_", " "),
                one["created_at"],
                "-" if one["rows"] is None else f"{one['rows']:,}",
                figure(metrics.get("log_loss")),
                figure(metrics.get("auc")),
                figure(metrics.get("brier")),
                "-" if one["fingerprint"] is None else one["fingerprint"]["data"][:12],
            ]
        )
    columns = ["version", "standing", "as of", "rows", "log-loss", "AUC", "Brier", "data"]
    print_table(columns, rows, right=["rows", "log-loss", "AUC", "Brier"])


def _rolled_back(done: Json) -> None:
    data.print(f"{done['decision']['title']} (generation {done['route']['generation']}).")
