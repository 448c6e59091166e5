"""The command that tells how right a loop is by slice, and which segment a good average hides."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, figure, headed, show
from homeostat.cli.tabled import print_table
from homeostat.kernel.words import plural

Json = dict[str, Any]
_COLUMNS = ("rmse", "skill")
"""Of these, those that the loop's task has stand beside its loss; --json tells all."""
MOST_SHOWN = 40


def slices(
    loop: LoopArgument = None,
    days: Annotated[int, typer.Option("--days", metavar="N", min=1, max=3_660, help="Tell of the last N days.")] = 14,
    worst: Annotated[
        bool, typer.Option("--worst", help="Search every input for the segment that grew worst; takes seconds.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show how right a loop is by declared slice, the worst first.

    Figures stand on days whose labels are in, beside those of all rows. A slice is called worse where its log-loss rose
    more than that of all others since the six weeks before, and that is no chance among so many slices.
    """
    with errors_shown(as_json):
        from homeostat.app.shown.slices import slices as told_of

        operations, found = opened(home, loop)
        show(told_of(operations, found, days, worst=worst), as_json, _text)


def _text(told: Json) -> None:
    headed(f"{told['loop']}  ", f"{_span(told['trail'])}, compared with {_span(told['past'])} before.")
    if not told["declared"]:
        data.print("The loop's file declares no slices: slices=[...].", markup=False)
    elif told["whole"] is None:
        data.print("No day with labels keeps slices yet: days do from when they are declared.", markup=False)
    else:
        _table(told)
        _worse(told)
    if told["search"] is not None:
        _search(told["search"], "" if told["whole"] and told["whole"]["loss"] == "loss" else " nats")


def _table(told: Json) -> None:
    shown = [told["whole"], *told["slices"]]
    names = [name for name in _COLUMNS if name in told["whole"]["figures"]]
    own = list(told["whole"]["own"])
    rows = [_row(one, names, own) for one in shown[: MOST_SHOWN + 1]]
    loss = told["whole"]["loss"]
    numbers = ["rows", _words(loss), *(_words(name) for name in names), *own]
    print_table(["slice", "rows", _words(loss), "between", *numbers[2:], ""], rows, right=numbers)
    more = len(shown) - 1 - MOST_SHOWN
    if more > 0:
        data.print(f"And {more} more (--json tells all).", markup=False)
    for of in told["not_measured"]:
        data.print(f"{' & '.join(of)}: not measured: the log of these days lacks it, or a number had no reference.")
    data.print(
        "Bounds are 95 % for one look, days being the unit. '-' is unknown; --json says why, and more figures.",
        markup=False,
    )


def _row(one: Json, names: list[str], own: list[str]) -> list[str]:
    figures = one["figures"]
    loss = figures[one["loss"]]
    between = "-" if loss["low"] is None else f"{loss['low']:.4f} to {loss['high']:.4f}"
    return [
        one["name"],
        f"{one['rows']:,}",
        figure(loss["value"]),
        between,
        *(figure(figures[name]["value"]) for name in names),
        *(figure(one["own"][name]["value"] if name in one["own"] else None) for name in own),
        "worse" if one["worse"] else "",
    ]


def _loss(one: Json) -> str:
    return "log-loss" if one["loss"] == "log_loss" else "loss"


def _worse(told: Json) -> None:
    compared = told["compared"]
    if compared["unknown"]:
        data.print(f"Which slices grew worse is unknown: {_words(compared['unknown'])}.", markup=False)
        return
    for one in told["slices"]:
        if one["worse"]:
            data.print(_sentence(one), markup=False)
    if not any(one["worse"] for one in told["slices"]):
        data.print(f"None of {plural(compared['looked_at'], 'slice')} compared grew worse than the rest.", markup=False)


def _sentence(one: Json) -> str:
    worse = one["worse"]
    rest = worse["rest"]["value"]
    return (
        f"{one['name']} grew worse: {one['share']:.1%} of rows, {_loss(one)} {worse['after']['value']:.4f}"
        f" ({_bounds(worse['after'])}), {worse['before']['value']:.4f} before; all others {rest:.4f}"
        f" ({_bounds(worse['rest'])})."
    )


def _search(search: Json, unit: str) -> None:
    one = search["found"]
    if search["unknown"]:
        text = f"Among all inputs: unknown, {_words(search['unknown'])}."
    elif one is None:
        text = "Among all inputs: no segment grew worse than the rest."
    else:
        text = (
            f"Among all inputs ({plural(one['looked_at'], 'group')}): {one['feature']} {one['group']}"
            f" ({one['share']:.1%} of"
            f" rows) grew worse by {one['rise']['value']:.4f}{unit} a row ({_bounds(one['rise'])}), all others by"
            f" {one['rest_rise']['value']:.4f} ({_bounds(one['rest_rise'])})."
        )
    data.print(text, markup=False)


def _bounds(one: Json) -> str:
    return "no bounds" if one["low"] is None else f"{one['low']:.4f} to {one['high']:.4f}"


def _span(window: Json) -> str:
    if not window["found"]:
        return "no day"
    return f"{plural(window['found'], 'day')} ({window['from']} to {window['until']})"


def _words(reason: str) -> str:
    return reason.replace("_", " ")
