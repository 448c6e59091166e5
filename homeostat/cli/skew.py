"""The command that shows whether serving and training compute the same features."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, headed, show, talk
from homeostat.cli.tabled import print_table
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.words import plural

Json = dict[str, Any]
_SIDES = ("served", "recomputed")


def skew(
    loop: LoopArgument = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="First day; the first served.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Last day; the last served.")] = None,
    share: Annotated[
        float | None, typer.Option("--share", metavar="SHARE", help="Share of rows to recompute; as 'up' was told.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Recompute every row served.")] = False,
    examples: Annotated[
        int, typer.Option("--examples", metavar="N", min=0, help="Show N differing rows of each feature.")
    ] = 0,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Recompute served features; show which differ and why.

    Each sampled row is computed again from the tables, as of what was known when it was served. The rate is the
    share of rows that differ, with a 95 % interval; the cause is the explanation that reproduces what was served.
    """
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.prediction_log.skew_report import Asked, skew_report
        from homeostat.app.settings import Settings

        _, found = opened(home, loop)
        settings = Settings.load(Home(home).root)
        days = _days(since, until)
        asked = Asked(_share(share, every, settings.skew_share), *days, examples)
        with _bar() as bar:
            task = bar.add_task("recomputing", total=None)
            told = skew_report(settings, found, asked, lambda at, of: bar.update(task, completed=at, total=of))
        show(told, as_json, _text)


def _share(share: float | None, every: bool, usual: float) -> float:
    if every and share is not None:
        raise InvalidInput("--all and --share exclude each other.", mend="Give one of them.")
    if share is not None and not 0 < share <= 1:
        mend = "Give a number above 0, at most 1, such as 0.05."
        raise InvalidInput(f"--share {share} is no share of rows.", mend=mend, share=share)
    return 1.0 if every else share or usual


def _days(since: str | None, until: str | None) -> tuple[str | None, str | None]:
    first, last = _day("--since", since), _day("--until", until)
    if first and last and first > last:
        raise InvalidInput(f"--since {first} is after --until {last}.", mend="Exchange them.", since=first, until=last)
    return first, last


def _day(option: str, text: str | None) -> str | None:
    try:
        return None if text is None else date.fromisoformat(text).isoformat()
    except ValueError:
        raise InvalidInput(f"{option} {text} is no day.", mend="Write it as 2013-03-31.", given=text) from None


def _bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("days")
    return Progress(*columns, TimeRemainingColumn(), console=talk, transient=True, disable=not talk.is_terminal)


def _text(told: Json) -> None:
    if not told["rows"]:
        _nothing(told)
        return
    span = told["since"] if told["days"] == 1 else f"{told['since']} to {told['until']}"
    data.print(f"[bold]{told['loop']}[/]  {span}: {told['rows']:,} of {told['served']:,} served rows recomputed")
    if told["left_out"]:
        more = plural(told["left_out"], "more was", "more were")
        data.print(f"{more} served under other definitions, or their facts are not stored yet")
    wrong = [one for one in told["features"] if one["differing"]]
    right = [one for one in told["features"] if not one["differing"] and one["feature"] not in told["hidden"]]
    if wrong:
        _differing(wrong)
    if right:
        most = max(one["high"] for one in right)
        names = plural(len(right), "other feature") if wrong else f"all {plural(len(right), 'feature')}"
        data.print(f"\n{names}: no difference; rate at most {_percent(most)} (95 %)")
    if told["hidden"]:
        data.print(f"\nunknown, since the log does not keep what they are made from: {', '.join(told['hidden'])}")
    _examples(told["examples"])


def _nothing(told: Json) -> None:
    if not told["served"]:
        where = " in these days" if told["since"] or told["until"] else ""
        talk.print(f"No predictions yet{where}: ask {told['loop']} for some, then look again.")
    elif told["left_out"]:
        talk.print(
            f"None of {told['left_out']:,} sampled rows can be judged: they were served under other definitions."
        )
    else:
        talk.print(f"None of {told['served']:,} served rows is in a sample of {_percent(told['share'])}; try --all.")


def _differing(features: list[Json]) -> None:
    data.print()
    rows = [
        [
            one["feature"],
            f"{one['differing']:,} of {one['rows']:,}",
            _percent(one["rate"]),
            f"{_percent(one['low'])} to {_percent(one['high'])}",
            one["cause"].replace("_", " "),
        ]
        for one in features
    ]
    print_table(["feature", "differing", "rate", "95 %", "cause"], rows, right=["differing", "rate", "95 %"])
    data.print()
    for one in features:
        headed(f"{one['feature']}  ", one["evidence"])


def _examples(examples: list[Json]) -> None:
    if not examples:
        return
    data.print()
    names = ("feature", "day", "prediction_id")
    rows = [[*(one[name] for name in names), *(_value(one[side]) for side in _SIDES)] for one in examples]
    print_table(["feature", "day", "prediction", *_SIDES], rows, right=_SIDES)


def _value(value: str | float | None) -> str:
    if value is None:
        return "missing"
    return value if isinstance(value, str) else f"{value:.10g}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
