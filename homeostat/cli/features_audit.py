"""The command that looks for features that are too good to be true."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import bold, data, errors_shown, figure, show
from homeostat.cli.progress import progress_bar
from homeostat.cli.tabled import Cell, print_table
from homeostat.kernel.verdicts import CLEAR, INCONCLUSIVE, SUSPICIOUS
from homeostat.kernel.words import plural

Json = dict[str, Any]
_SHOWN: dict[str, Cell] = {
    SUSPICIOUS: bold("suspicious", "red"),
    CLEAR: "clear",
    INCONCLUSIVE: "unknown",
}


def audit(
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    limit: Annotated[
        float, typer.Option("--limit", metavar="AUC", help="What one feature alone may reach, by its lower bound.")
    ] = 0.9,
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", min=1, help="Look at so many of the newest labelled rows, in days.")
    ] = 100_000,
) -> None:
    """Find features that are too good to be true.

    Joins show no row what was recorded later. This finds what they cannot see: times that a producer states too
    early, copies of the label, columns that were averaged from it. Exit code 3 when a feature is suspicious.
    """
    with errors_shown(as_json):
        operations, found = opened(home, loop)
        from homeostat.app.features.audit import audit_features
        from homeostat.app.loops.labelled_sources import sources_now
        from homeostat.app.settings import Settings
        from homeostat.training.audit import AuditLimits

        sources = sources_now(Settings.load(home.resolve()), found, operations.state(found.name).decided_until)
        with progress_bar("opening the tables") as progress:
            told = audit_features(found, sources, AuditLimits(auc=limit), progress, most_rows=rows)
        show(told, as_json, _text)
    if told["suspicious"]:
        raise typer.Exit(3)


def _text(told: Json) -> None:
    span = f"{told['first'][:10]} to {told['last'][:10]}"
    data.print(
        f"[bold]{told['loop']}[/]  {plural(told['rows'], 'labelled row')} of {plural(told['days'], 'day')}, {span}"
    )
    hours = told["delay_seconds"] / 3_600
    data.print(f"joins shifted earlier and later by {hours:.1f} h, in which half of the labels happen")
    if told["told_apart"]:
        data.print(f"AUC: how well a feature alone tells {told['told_apart']} from the others")
    data.print()
    columns = ["\nfeature", "\nverdict", "AUC\nalone", "\nbetween", "earlier\njoin", "later\njoin"]
    print_table(columns, [_row(one) for one in told["features"]], right=columns[2:])
    for one in told["features"]:
        if one["verdict"] == SUSPICIOUS:
            data.print(f"\n[bold red]suspicious[/]  [bold]{one['feature']}[/]")
            for reason in one["reasons"]:
                data.print(f"    {reason}", markup=False)
    data.print(_summary(told))


def _summary(told: Json) -> str:
    unknown = sum(one["verdict"] == INCONCLUSIVE for one in told["features"])
    lines = [f"\n{told['suspicious']} of {len(told['features'])} features are suspicious, {unknown} unknown."]
    if told["known_times_testable"] < 1:
        share = 1 - told["known_times_testable"]
        lines.append(f"{share:.1%} of the rows were accepted after their labels: their known times prove nothing.")
    return "\n".join(lines)


def _row(one: Json) -> list[Cell]:
    auc = one["auc"]
    bounds = "-" if auc is None else f"{auc['low']:.3f} {auc['high']:.3f}"
    value = figure(auc and auc["value"], 3)
    return [one["feature"], _SHOWN[one["verdict"]], value, bounds, _moved(one["fall"], -1), _moved(one["gain"], 1)]


def _moved(gap: Json | None, sign: int) -> str:
    """How the AUC alone moves under a shifted join; a dash where the shift changes nothing."""
    moves = gap is not None and abs(gap["value"]) > 5e-4
    return f"{sign * gap['value']:+.3f}" if gap and moves else "-"
