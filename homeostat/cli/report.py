"""The command that reports month by month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, figure, print_table, show, talk

if TYPE_CHECKING:
    from homeostat.app.operations import Operations
    from homeostat.app.settings import Settings
    from homeostat.control.loop import Loop

Json = dict[str, Any]


def report(loop: LoopArgument = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Month by month: the live loop, the frozen first version, and a monthly retrain on everything earlier."""
    with errors_shown(as_json):
        from homeostat.app.settings import Settings

        operations, found = opened(home, loop)
        show(reported(Settings.load(home.resolve()), operations, found), as_json, report_text)


def reported(settings: Settings, operations: Operations, loop: Loop) -> Json:
    """Build the report under a progress bar."""
    from homeostat.app.report import build_report

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=talk, disable=not talk.is_terminal, transient=True) as bar:
        task = bar.add_task("reading the prediction log", total=None)

        def progress(what: str, done: int, of: int) -> None:
            bar.update(task, description=what, completed=done, total=of)

        return build_report(settings, operations, loop, progress)


def report_text(found: Json) -> None:
    """Print a report for people."""
    rows = [
        [
            month["month"],
            f"{month['served']:,}",
            f"{month['labelled']:,}",
            figure(month["base_rate"], 3),
            *_pair(month),
        ]
        for month in found["months"]
    ]
    rows.append(["[bold]mean[/]", "", "", "", *(f"[bold]{text}[/]" for text in _pair(found["means"]))])
    scorers = ["AUC live", "frozen", "monthly", "log-loss live", "frozen", "monthly"]
    columns = ["month", "served", "labelled", "base rate", *scorers]
    print_table(columns, rows, right=columns[1:])
    totals = found["totals"]
    data.print("  ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in totals.items()))


def _pair(figures: Json) -> list[str]:
    return [figure(figures[scorer][name]) for name in ("auc", "log_loss") for scorer in ("live", "frozen", "monthly")]
