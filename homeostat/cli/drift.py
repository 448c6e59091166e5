"""The command that shows how far inputs and predictions are from training, beside what is normal for them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli.context import shown, standing
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import bold, data, errors_shown, show
from homeostat.cli.tabled import Cell, print_table
from homeostat.kernel.words import plural

Json = dict[str, Any]
_MARK = {"earned": "", "reached": "+", "customary": "*"}
_KIND = {"reached": "as far as training's own windows went", "customary": "customary"}
_NAMES = {"psi": "PSI", "ks": "KS", "missing_change": "missing"}
_WHY = {
    "no_daily_counts": "the version was made before days were kept, or its own days are not known",
    "too_few_blocks": "the training is worth fewer than {days} independent days, or {weeks:.0f} weeks",
    "no_spread": "it never changed in training",
    "few_years": "the same weeks of few years, or of one, stand behind it",
}


def drift(
    loop: LoopArgument = None,
    day: Annotated[str | None, typer.Option("--day", metavar="DATE", help="That day; the newest measured.")] = None,
    feature: Annotated[
        str | None, typer.Option("--feature", metavar="NAME", help="Every distance of one feature, with its bounds.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also the signals that are within their limits.")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show how far inputs are from training, beside what is normal.

    A limit is earned where the version's own training days show how far a window moves by itself; one factor for all
    of them keeps false alarms at the rate that the loop declares. Where these days are too few, the limit is how far
    they went (+) or, if that is less, the customary one (*): neither promises anything.
    """
    with errors_shown(as_json):
        if feature is not None:
            showing, meant = shown(home, loop)
            show(showing.distances(meant.name, feature, day), as_json, _distances)
            return
        standings, found = standing(home, loop)
        show(standings.drift(found, day), as_json, lambda told: _text(told, every=every))


def _text(told: Json, *, every: bool) -> None:
    if told["day"] is None:
        data.print(f"{told['loop']}   no day was compared with a version's training yet")
        return
    data.print(f"{told['loop']}   {told['day']}   against what {told['reference']} was trained on")
    limits = ", ".join(f"{many} {kind}{_MARK[kind]}" for kind, many in told["limits"].items() if many)
    counts = (
        f"{told['above']} of {plural(len(told['signals']), 'signal')} above their limits, {told['unknown']} unknown"
    )
    data.print(f"{counts}; limits: {limits}")
    if told["limits"]["earned"]:
        data.print(f"without a change, all earned limits together are exceeded on one day in {told['quiet_windows']}")
    _joint(told["joint"])
    _table(told, every)
    for kind, why in sorted({(one["kind"], one["why"]) for one in told["signals"] if one["why"]}):
        data.print(f"{_MARK[kind].strip()} {_KIND[kind]}: {_WHY[why].format(**told['needed'])}")


def _joint(told: Json) -> None:
    """What all inputs come to together, since the version came; nothing where no limit is earned."""
    if told["e_value"] is None:
        return
    chance = "under 0.0001" if told["chance"] < 1e-4 else f"{told['chance']:.4f}"
    data.print(
        f"together, over {plural(told['days'], 'day')} since that version came: evidence of"
        f" {told['e_value']:.3g} that limits are"
        f" exceeded more often than promised (by chance, at any look: {chance} at most)"
    )


def _distances(told: Json) -> None:
    if not told["distances"]:
        data.print(f"{told['loop']}   no day of {told['feature']} was compared with a version's training yet")
        return
    data.print(f"{told['feature']}   {told['day']}   against what {told['reference']} was trained on")
    by = {(one["measure"], one["span"]): one for one in told["distances"]}
    measures, spans = (list(dict.fromkeys(key[place] for key in by)) for place in (0, 1))
    rows = [(_named(name), *(_bounded(by.get((name, span))) for span in spans)) for name in measures]
    columns = ["distance", *map(_length, spans)]
    print_table(columns, rows, right=columns[1:])


def _bounded(one: Json | None) -> str:
    if one is None:
        return "-"
    if one["value"] is None:
        return str(one["unknown"]).replace("_", " ")
    low, high = one["low"], one["high"]
    bounds = "" if None in (low, high) or low == high else f" ({low:.4g} to {high:.4g})"
    return f"{one['value']:.4g}{bounds}"


def _table(told: Json, every: bool) -> None:
    names = list(dict.fromkeys((one["subject"], one["measure"]) for one in told["signals"]))
    by = {(one["subject"], one["measure"], one["span"], one["season"]): one for one in told["signals"]}
    windows = sorted({(season, span) for _, _, span, season in by})
    found = [(*name, [by.get((*name, span, season)) for season, span in windows]) for name in names]
    rows = [
        (subject, _named(measure), *map(_cell, cells))
        for subject, measure, cells in found
        if every or any(one["above"] for one in cells if one)
    ]
    columns = ["subject", "measure", *(_length(span) + ", a year on" * season for season, span in windows)]
    if rows:
        print_table(columns, rows, right=columns[2:], lead=2)


def _length(span: int) -> str:
    return plural(span, "day")


def _named(measure: str) -> str:
    return _NAMES.get(measure, measure.replace("_", " "))


def _cell(one: Json | None) -> Cell:
    if one is None:
        return "-"
    if one["value"] is None:
        return str(one["unknown"]).replace("_", " ")
    text = f"{one['value']:.3f} {'>' if one['above'] else '<='} {one['limit']:.3f}{_MARK[one['kind']]}"
    return bold(text) if one["above"] else text
