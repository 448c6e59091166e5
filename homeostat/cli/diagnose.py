"""The command that tells why a loop does worse, and what to do about it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, show, when
from homeostat.kernel.words import plural

Json = dict[str, Any]


def diagnose(
    loop: LoopArgument = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="DATE", help="As known when this day began, such as 2013-04-27.")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="Of the rows and redraws it looks at.")
    ] = 2013,
    detectors: Annotated[
        bool, typer.Option("--detectors", help="Also where CUSUM, Page-Hinkley and ADWIN alarm on the daily loss.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Tell why a loop does worse, and what to do.

    Asks in order: broken data? training-serving skew? one subpopulation? sudden, gradual or seasonal? covariate shift
    or changed relationship? The first that is so is the cause. Reads what the home holds, whether or not an instance
    runs, and changes nothing.
    """
    with errors_shown(as_json):
        from homeostat.app.diagnosis.diagnosing import diagnosis

        operations, found = opened(home, loop)
        told = diagnosis(operations, found, at, seed)
        if detectors:
            from homeostat.app.diagnosis.changes import changes_of

            days = operations.days(found.name) if told["at"] else []
            told |= {"detectors": changes_of([day for day in days if day.day < told["at"][:10]])}
        show(told, as_json, _text)


def _text(told: Json) -> None:
    version = told["version"] or "no version"
    data.print(f"[bold]{told['loop']}[/]  {version}, as of {when(told['at']) if told['at'] else 'the beginning'}")
    data.print(f"[bold]{_words(told['cause'])}[/]: {escape(told['because'])}")
    data.print(told["advice"], markup=False)
    for number, step in enumerate(told["steps"], start=1):
        data.print(f"\n{number}. {step['question']} [bold]{step['answer']}[/]")
        for one in step["evidence"]:
            data.print(f"   {one['text']}", markup=False)
    if "detectors" in told:
        _alarms(told["detectors"])
    if told["retrainings"]:
        data.print("\nWhen a retraining was asked for:")
    for one in told["retrainings"]:
        data.print(f"   {when(one['at'])}  {one['title']}: {_words(one['cause'])}; {one['because']}", markup=False)


def _alarms(told: Json) -> None:
    """What detectors of change say of the daily loss."""
    since = f"of {plural(told['days'], 'day')} since {told['version']} came" if told["days"] else "of no day yet"
    data.print(f"\nDetectors of change on the daily loss {since} (they decide nothing):", markup=False)
    for one in told["detectors"]:
        said = ", ".join(one["alarms"]) or "no alarm"
        why = f"unknown: {_words(one['unknown'])}" if one["unknown"] else said
        data.print(f"   {one['name']}: {why}", markup=False)


def _words(name: str) -> str:
    """A cause as a person says it.

    >>> _words("broken_data")
    'broken data'
    """
    return name.replace("_", " ")
