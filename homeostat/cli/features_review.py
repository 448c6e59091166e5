"""The command that asks of each feature whether it earns its keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import bold, data, errors_shown, figure, show
from homeostat.cli.progress import progress_bar
from homeostat.cli.tabled import Cell, print_table
from homeostat.kernel.verdicts import DROP, INCONCLUSIVE, KEEP
from homeostat.kernel.words import plural

Json = dict[str, Any]
_SHOWN: Mapping[str, Cell] = {
    KEEP: bold("keep", "green"),
    DROP: bold("candidate to drop", "yellow"),
    INCONCLUSIVE: "unknown",
}


def review(
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=3, help="Recent labelled days to judge on, and to hold out.")
    ] = 28,
    minutes: Annotated[
        float, typer.Option("--minutes", metavar="N", min=0.01, help="Begin no further retraining after so long.")
    ] = 10.0,
    fast: Annotated[bool, typer.Option("--fast", help="Do not retrain; judge live versions only.")] = False,
) -> None:
    """Find features that are not worth their cost.

    Shuffles each feature among recent rows that were served, and retrains without it, on one thread in a process of
    its own. Times lookups, counts missing values and the room of facts. Recommends with the evidence; drops nothing.
    """
    with errors_shown(as_json):
        operations, found = opened(home, loop)
        from homeostat.app.features.review import Bounds, review_features
        from homeostat.app.settings import Settings
        from homeostat.training.review import ReviewLimits

        bounds = Bounds(days=days, seconds=0.0 if fast else minutes * 60)
        with progress_bar("opening the log") as progress:
            settings = Settings.load(home.resolve())
            told = review_features(settings, operations, found, ReviewLimits(), bounds, progress)
        show(told, as_json, _text)


def _text(told: Json) -> None:
    live = ", ".join(told["live"]) or "no version"
    data.print(f"[bold]{told['loop']}[/]  {live} on {told['rows']:,} served rows of {plural(told['days'], 'day')}")
    data.print(_retrained(told["retrained"]), markup=False)
    unit = "a nat" if told["unit"] == "nats" else "what the best constant costs"
    data.print(f"\nRise of {told['loss']}, in thousandths of {unit} per row, between the bounds of its interval:\n")
    columns = ["feature", "recommendation", "shuffled", "left out", "gain", "missing"]
    print_table(columns, [_feature(one) for one in told["features"]], right=columns[2:])
    data.print("\nWhole definitions, and what they cost:\n")
    columns = ["definition", "recommendation", "left out", "lookup", "facts"]
    print_table(columns, [_definition(one) for one in told["definitions"]], right=columns[2:])
    reasons = [one["lookup_us"]["why"] for one in told["definitions"] if one["lookup_us"] and one["lookup_us"]["why"]]
    if reasons:
        more = f" And {len(reasons) - 1} more." if len(reasons) > 1 else ""
        data.print(f"\nLookups were not timed: {reasons[0]}{more}", markup=False)
    _dropped(told)


def _retrained(told: Json | None) -> str:
    if told is None:
        return "not retrained without each feature (--fast)"
    if told["error"]:
        return f"not retrained without each feature: {told['error']['problem']} {told['error']['mend']}"
    if told["trained"] is None:
        return f"not one retraining ended within {told['seconds'] / 60:g} minutes"
    on = f"on {plural(told['trained'], 'row')}, judged on {told['held_out']:,} later ones"
    rest = "" if told["done"] == told["of"] else f"; time was up after {told['seconds'] / 60:g} minutes"
    return f"{told['done']} of {plural(told['of'], 'retraining')} without a feature or definition, {on}{rest}"


def _dropped(told: Json) -> None:
    parts = [*told["features"], *(one for one in told["definitions"] if len(one["features"]) > 1)]
    chosen = [one for one in parts if one["verdict"] == DROP]
    noun = "candidate" if len(chosen) == 1 else "candidates"
    data.print(f"\n[bold]{len(chosen)} {noun} to drop[/]" + (", each by itself:" if chosen else "."))
    for one in chosen:
        name = one.get("feature") or one["definition"]
        data.print(f"  {name}: {'; '.join(one['reasons'])}", markup=False)
    if chosen:
        data.print("Drop one, or one whole definition, then review again: the rest may have to stand in for it.")


def _feature(one: Json) -> list[Cell]:
    shuffled = [found for found in one["importance"].values() if found]
    most = max(shuffled, key=lambda found: found["value"], default=None)
    gain = "-" if one["gain"] is None else f"{one['gain']:.1%}"
    missing = "-" if one["missing"] is None else f"{one['missing']:.1%}"
    return [one["feature"], _SHOWN[one["verdict"]], _bounds(most), _bounds(one["without"]), gain, missing]


def _definition(one: Json) -> list[Cell]:
    took = (one["lookup_us"] or {"p50": None})["p50"]
    time = "-" if took is None else f"{figure(took, 0)} us"
    facts = "-" if one["table_bytes"] is None else f"{one['table_bytes'] / 1e6:.1f} MB"
    return [one["definition"], _SHOWN[one["verdict"]], _bounds(one["without"]), time, facts]


def _bounds(interval: Json | None) -> str:
    return "-" if interval is None else f"{interval['low'] * 1e3:+.2f} {interval['high'] * 1e3:+.2f}"
