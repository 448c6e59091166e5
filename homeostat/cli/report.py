"""The command that reports month by month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import bold, counted, data, errors_shown, figure, show
from homeostat.cli.progress import progress_bar
from homeostat.cli.tabled import Cell, print_table
from homeostat.kernel.words import plural

if TYPE_CHECKING:
    from homeostat.app.by_hand.operations import Operations
    from homeostat.app.settings import Settings
    from homeostat.control.loop import Loop

Json = dict[str, Any]
SCORERS = ("live", "frozen", "monthly")


def report(loop: LoopArgument = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Compare the loop, month by month, with two yardsticks.

    "frozen" is the first version, never retrained; "monthly" a retrain every month on everything known by then.
    All are scored on the same labelled rows. The yardsticks are trained on first use and kept.
    """
    with errors_shown(as_json):
        from homeostat.app.settings import Settings

        operations, found = opened(home, loop)
        show(reported(Settings.load(home.resolve()), operations, found), as_json, report_text)


def reported(settings: Settings, operations: Operations, loop: Loop) -> Json:
    """Build the report under a progress bar."""
    from homeostat.app.reports.report import build_report

    with progress_bar("reading the prediction log") as progress:
        return build_report(settings, operations, loop, progress)


def report_text(found: Json) -> None:
    """Print a report for people; only a yes or no has a base rate."""
    rated = "auc" in found["figures"]
    rows: list[list[Cell]] = [
        [
            month["month"],
            f"{month['served']:,}",
            f"{month['labelled']:,}",
            *([figure(month["base_rate"], 3)] if rated else []),
            *_groups(month, found["figures"]),
        ]
        for month in found["months"]
    ]
    means = ["mean", "", "", *([""] if rated else []), *_groups(found["means"], found["figures"])]
    rows.append([bold(text) for text in means])
    columns = [
        "\nmonth",
        "\nserved",
        "\nlabelled",
        *(["base\nrate"] if rated else []),
        *(_heading(_NAMES.get(name, name)) for name in found["figures"]),
    ]
    print_table(columns, rows, right=columns[1 : 4 if rated else 3])
    if found["gain"]:
        data.print(_gain(found["gain"], found["loss"]))
    totals = dict(found["totals"])
    data.print(counted({name: totals.pop(name) for name in ("served", "labelled", "failed_requests")}))
    data.print(counted(totals))


def _gain(gain: Json, loss: str) -> str:
    """What the loop was worth, and what an interval by rows would have claimed of it."""
    bounds = f"{gain['value']:+.4f}, between {gain['low']:+.4f} and {gain['high']:+.4f}"
    ratio = gain["row_wise_ratio"]
    narrow = "" if ratio is None else f"\n(an interval over rows would be {ratio:.1f} times too narrow)"
    return f"{loss}, live minus frozen: {bounds} over {plural(gain['blocks'], 'day')}{narrow}"


_NAMES = {"auc": "AUC", "log_loss": "log-loss", "rmse": "RMSE", "mae": "MAE", "quantile_loss": "quantile loss"}


def _groups(figures: Json, names: Sequence[str]) -> list[str]:
    """The three scorers' AUC in one cell, and their log-loss in another; of other tasks their own two figures."""
    return [_group(*(figure(figures[scorer][name]) for scorer in SCORERS)) for name in names]


def _heading(measure: str) -> str:
    below = _group(*SCORERS)
    return f"{measure:^{len(below)}}\n{below}"


def _group(*cells: str) -> str:
    return " ".join(f"{cell:>{width}}" for cell, width in zip(cells, (6, 6, 7), strict=True))
