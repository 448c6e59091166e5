"""The command that tells how right a loop is: with its labels, before they come, and what estimates were worth."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, figure, show, when
from homeostat.cli.tabled import print_table
from homeostat.kernel.words import plural

Json = dict[str, Any]
_NAMED = 3
"""So many inputs in which rows without a label differ are told, those that differ most."""


def performance(
    loop: LoopArgument = None,
    days: Annotated[int, typer.Option("--days", metavar="N", min=1, max=3_660, help="Tell of the last N days.")] = 14,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show how right a loop is.

    With the labels that are in, and estimated for days whose labels are not; how good such estimates were, which labels
    lack, and how long a worsening would go unseen. What is not known says why.
    """
    with errors_shown(as_json):
        from homeostat.app.shown.performance import performance as told_of

        operations, found = opened(home, loop)
        show(told_of(operations, found, days), as_json, _text)


def _text(told: Json) -> None:
    realised = next(one for one in told["realised"] if one["days"] == told["trail"])
    estimated = told["estimated"]
    since = when(told["as_of"]) if told["as_of"] else "the beginning"
    by = f"threshold {told['threshold']:g}" if told["task"] == "binary" else f"{told['task']}, by {told['primary']}"
    data.print(f"[bold]{told['loop']}[/]  as of {since}, {by}")
    _labels(told["labels"])
    data.print(f"Realised over {_span(realised)}. Estimated, before labels: {_span(estimated)}.")
    rows = [_row(told, realised, estimated, name) for name in realised["figures"]]
    columns = ["figure", "realised", "between", "estimated", "between ", "estimates missed by", "bounds held"]
    rows += [[name, figure(one["value"]), _between(one), "-", "-", "-", "-"] for name, one in realised["own"].items()]
    print_table(columns, rows, right=["realised", "estimated", "estimates missed by", "bounds held"])
    _bases(told)
    _watched(told["watched"])
    _feedback(told["feedback"])
    _gaps(told["gaps"], told["primary"])
    _sentences(told["power"])


def _row(told: Json, realised: Json, estimated: Json, name: str) -> list[str]:
    now, ahead = realised["figures"][name], estimated["figures"][name]
    record = told["record"]["day"].get(name)
    missed = "-" if record is None else f"{record['mean_absolute_error']:.4f}"
    held = "-" if record is None or record["covered"] is None else f"{record['covered']:.0%}"
    return [
        name.replace("_", " "),
        figure(now["value"]),
        _between(now),
        figure(ahead["value"]),
        _between(ahead),
        missed,
        held,
    ]


def _between(one: Json) -> str:
    if one["value"] is None:
        return f"unknown: {str(one['unknown']).replace('_', ' ')}"
    return "no bounds" if one["low"] is None else f"{one['low']:.4f} to {one['high']:.4f}"


def _span(window: Json) -> str:
    found = window.get("found", window["days"])
    if not found:
        return "no day"
    return f"{plural(found, 'day')} ({window['from']} to {window['until']}, {plural(window['rows'], 'row')})"


def _labels(labels: Json) -> None:
    share = labels["missing_share"]
    lack = "" if share["value"] is None else f" ({share['value']:.1%} of those due)"
    due = f", the last due by {when(labels['mature_by'])}" if labels["mature_by"] else ""
    data.print(
        f"Labels: {labels['labelled']:,} in, {labels['maturing']:,} still maturing{due};"
        f" {labels['missing']:,} expected and missing{lack}.",
        markup=False,
    )
    differ = labels["differ"]
    words = {"EXCEEDED": "look different", "WITHIN": "look alike", "INCONCLUSIVE": "cannot be compared"}
    more = len(differ["reasons"]) - _NAMED
    rest = f"; and {more} more (--json names all)" if more > 0 else ""
    said = "; ".join(differ["reasons"][:_NAMED])
    data.print(f"Rows without a label {words[differ['verdict']]}: {said}{rest}.", markup=False)


def _bases(told: Json) -> None:
    if told["estimated"]["calibrated"]["by"] is None and told["task"] != "binary":
        data.print(
            "\nBounds hold for one look, days being the unit. No day waits for labels with an estimate.", markup=False
        )
        return
    stands = told["estimated"]["calibrated"]
    read = "are learnt from errors" if told["task"] == "regression" else "read scores by what they were worth"
    counted = max((one["days"] for one in told["record"]["day"].values()), default=0)
    data.print(
        f"\nBounds hold for one look, days being the unit. Estimates {read} on"
        f" {plural(stands['rows'], 'row')} of the last {plural(stands['days'], 'labelled day')}; missed and held: on"
        f" {plural(counted, 'day')} whose labels came since, {told['promised']:.0%} promised.",
        markup=False,
    )


def _watched(told: Json) -> None:
    """What may be looked at every day: bounds that hold at all looks together."""
    if not told["days"]:
        return
    figures = "; ".join(
        f"{name.replace('_', ' ')} {one['value']:.4f} ({_between(one)})" for name, one in told["figures"].items()
    )
    data.print(
        f"At every look together, {plural(told['days'], 'day')} since {told['version']} came, each alike: {figures}.",
        markup=False,
    )
    for one in told["beside"]:
        brier, loss = one["brier"], one["log_loss"]
        fixed = (
            "" if loss["value"] is None else f"; log-loss {loss['value']:+.4f} ({_between(loss)}, look {loss['look']})"
        )
        data.print(
            f"{told['version']} less {one['version']} on the same {plural(one['rows'], 'row')}: Brier score"
            f" {brier['value']:+.4f} ({_between(brier)}, at every look){fixed}.",
            markup=False,
        )


def _feedback(told: Json | None) -> None:
    """The figures of a loop whose predictions are acted on, by every label and by those that count."""
    if told is None:
        return
    effective = "" if told["effective_rows"] is None else f", worth {told['effective_rows']:,.0f} rows of equal weight"
    left = f"{told['explored']:,} were left alone ({told['expected']:,.0f} expected)"
    data.print(
        f"\n{_acting(told)}. Of {plural(told['rows'], 'row')} {told['region']:,} would be acted on; {left}, of which"
        f" {told['explored_labelled']:,} have a label{effective}.{_clipped(told)}{_reports(told['reports'])}",
        markup=False,
    )
    rows = [
        [name.replace("_", " "), *(cell for one in figures.values() for cell in (figure(one["value"]), _between(one)))]
        for name, figures in told["figures"].items()
    ]
    columns = ["figure", "naive", "between", "weighted", "between ", "doubly robust", "between  "]
    print_table(columns, rows, right=["naive", "weighted", "doubly robust"])
    data.print(f"Why they differ: {told['why']}. 'realised' above is the weighted figure.", markup=False)


def _acting(told: Json) -> str:
    """When callers act, and who says so."""
    if told["reports"] is not None:
        chance = "surely or not at all" if told["chance"] is None else f"with the chance {told['chance']}"
        did = f"acted on where {told['acts']}, to be left alone {chance}"
        return f"Callers report in {told['reports']['table']} what they did: {did}"
    share = "nobody" if told["explore"] is None else f"{told['explore']:.3g} of them"
    explore = share if told["chance"] is None else f"each with the chance {told['chance']}"
    by = "by chance" if told["drawn"] is None else f"as callers drew ({told['drawn']})"
    return f"Callers act on predictions where {told['acts']}; {explore} left alone {by}"


def _reports(told: Json | None) -> str:
    """What is wrong with what callers reported."""
    if told is None:
        return ""
    odd = ("unreported", "no_chance", "acted_on_all_the_same", "left_alone_without_a_chance")
    found = [f"{told[name]:,} {name.replace('_', ' ')}" for name in odd if told[name]]
    wrong = f" Left out, for want of a report that can be: {', '.join(found)} ({told['share']:.1%})." if found else ""
    out, strange = told["days_left_out"], told["never_predicted"]
    days = f" {plural(out, 'day')} with more than {told['limit']:.0%} of these left out." if out else ""
    never = f" {plural(strange, 'report is', 'reports are')} about nothing that it predicted." if strange else ""
    corrected = f" {plural(told['corrected'], 'was', 'were')} reported more than once." if told["corrected"] else ""
    waits = told["waiting"]
    since = f" Of {plural(waits['rows'], 'row')} since, {waits['reported']:,} were reported by the end of their day."
    return f"{wrong}{days}{never}{corrected}{since if waits['rows'] else ''}"


def _clipped(told: Json) -> str:
    """Chances that were too small to be taken as they are."""
    few = f" {told['clipped']:,} of them had a chance below 0.001, which was read as that."
    return few if told["clipped"] else ""


def _gaps(told: Json, loss: str) -> None:
    """Cohorts that are served worse beside all others since a retraining."""
    for one in told["widened"]:
        before, now = one["before"], one["now"]
        data.print(
            f"Gap of {one['cohort']}: {loss} {now['gap']:+.4f} beside all others under {now['version']},"
            f" {before['gap']:+.4f} under {before['version']}: wider by at least {one['low']:.4f}.",
            markup=False,
        )


def _sentences(power: Json) -> None:
    for name, one in power.items():
        said = one["sentence"] or f"unknown ({str(one['unknown']).replace('_', ' ')})"
        data.print(f"{name.replace('_', ' ')}: {said}", markup=False)
