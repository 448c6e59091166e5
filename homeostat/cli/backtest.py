"""The command that plays policies of retraining through a loop's own history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, figure, show, talk
from homeostat.cli.progress import progress_bar
from homeostat.cli.tabled import print_table
from homeostat.kernel.errors import NotFound
from homeostat.kernel.words import plural

if TYPE_CHECKING:
    from homeostat.control.loop import Loop
    from homeostat.control.policies.retrain import Retrain

Json = dict[str, Any]
ALL = "all"


def backtest(
    loop: LoopArgument = None,
    policies: Annotated[
        str,
        typer.Option("--policies", metavar="FILE|all", help="Policies as JSON or TOML; the usual ones with 'all'."),
    ] = ALL,
    price: Annotated[
        float | None,
        typer.Option("--price", metavar="NATS", min=0, help="Cost of one training in log-loss; leaves money out."),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Play policies of retraining through the loop's own history.

    A version is really trained for each week, on what was known then; judged are all by the judges that run live.
    Beside them stand never retraining (regret 1) and an oracle that knew everything beforehand (regret 0).
    The first run trains for some minutes; versions are kept, and any further run or policy takes seconds.
    """
    with errors_shown(as_json):
        from homeostat.app.backtest.running import run_back_test
        from homeostat.app.settings import Settings

        operations, found = opened(home, loop)
        asked = _policies(policies, found)
        settings = Settings.load(home.resolve())
        with progress_bar("reading the history") as progress:
            told = run_back_test(settings, operations, found, asked, progress, price=price)
        show(told, as_json, _text)


def _policies(named: str, loop: Loop) -> dict[str, Retrain] | None:
    """The policies of a file; None for the usual ones."""
    if named == ALL:
        return None
    from homeostat.control.policies.forms import policies_of

    try:
        text = Path(named).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(
            f"The file of policies {named} cannot be read: {error}.",
            mend="Name a JSON or TOML file, or --policies all.",
            file=named,
        ) from error
    return policies_of(text, loop.retrain)


def _text(told: Json) -> None:
    weeks, unit = told["weeks"], told["unit"]
    counted = plural(len(weeks), "week")
    data.print(f"[bold]{told['loop']}[/]  {counted}, {weeks[0]['first_day']} to {weeks[-1]['last_day']}")
    columns = [
        "policy",
        "retrains",
        "back",
        "labels",
        "skill",
        "lost to age",
        "spent",
        f"total, {unit}",
        "regret",
        "between",
    ]
    rows = [
        [
            one["name"],
            str(one["retrains"]),
            str(one["retrains"] - one["released"] + one["taken_back"]),
            f"{one['labels']:,}",
            figure(one["metric"]),
            *(f"{one[name]:,.0f}" for name in ("staleness_cost", "retraining_cost", "total_cost")),
            figure(one["regret"], 2),
            _bounds(one),
        ]
        for one in told["policies"]
    ]
    print_table(columns, rows, right=columns[1:-1])
    for why in dict.fromkeys(one["regret_unknown"] for one in told["policies"] if one["regret_unknown"]):
        data.print(f"Regret is unknown: {why}.", markup=False)
    silent = [one for one in told["policies"] if one.get("inconclusive")]
    for one in silent:
        data.print(f"{one['name']} could not tell in {one['inconclusive']} of {counted}.", markup=False)
    data.print(told["note"], markup=False)
    lacking = [one for one in told["versions"] if one["problem"]]
    for one in lacking[:3]:
        data.print(f"No version of {one['asked_at'][:10]}: {one['problem']}", markup=False)
    if len(lacking) > 3:
        data.print(f"and {plural(len(lacking) - 3, 'more week')} without a version")
    files = ", ".join(told["files"].values())
    talk.print(f"{plural(told['trained'], 'version')} trained now. Files: {files}", markup=False)


def _bounds(one: Json) -> str:
    low, high = one["regret_low"], one["regret_high"]
    if low is None and high is None:
        return ""
    return f"{figure(low, 2) if low is not None else '?'} to {figure(high, 2) if high is not None else '?'}"
