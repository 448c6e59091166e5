"""The command that tells why a prediction was made: everything from the rows behind it to who let its version in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import answered, data, errors_shown, known_facts, show, when
from homeostat.cli.tabled import print_table
from homeostat.kernel.words import plural

Json = dict[str, Any]
_PATIENCE = 10.0
_MOST = 12


def why(
    prediction_id: Annotated[str, typer.Argument(metavar="PREDICTION_ID", help="From a reply, or the log.")],
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", min=1, max=1_000, help="Rows behind each feature, with --json.")
    ] = 20,
    loop: Annotated[str | None, typer.Option("--loop", metavar="LOOP", help="Look only in this loop.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Tell why a prediction was made.

    The question and when it was asked, the features as served with the rows behind them as known then, the arm and why
    this one, the version with its fingerprint, what its gate found, who approved and promoted it, what each feature did
    to the answer, and the label once it has matured. 'homeostat explain' lists the rows of one feature. Times are UTC.
    Exit code 3: a served value differs from what the rows known then give.
    """
    with errors_shown(as_json):
        found = _asked(home, prediction_id, loop, rows)
        show(found, as_json, _told)
        if not found["agrees"]:
            raise typer.Exit(3)


def _asked(home: Path, prediction_id: str, loop: str | None, rows: int) -> Json:
    """From the running instance, which has everything open; else from what lies in the home."""
    from homeostat.app.home import Home
    from homeostat.kernel.errors import NotFound, Unavailable

    try:
        control = Home(home).running().control
        from homeostat.app.processes.loopback import ask_json

        place = f"{control}/api/predictions/{quote(prediction_id, safe='')}/why?rows={rows}"
        found: Json = ask_json(place + (f"&loop={quote(loop)}" if loop else ""), _PATIENCE)
        return found
    except (NotFound, Unavailable):
        from homeostat.cli.context import traced

        tracing, now = traced(home, loop)
        return tracing.told(prediction_id, now, loop=loop, rows=rows)


def _told(made: Json) -> None:
    one = made["prediction"]
    data.print(f"[bold]{one['prediction_id']}[/]  {escape(one['key'])}  of {made['loop']}")
    chance = one["probability"] if "probability" in one else (one.get("probabilities") or {}).get(one["prediction"])
    with_chance = "" if chance is None else f", with probability {chance:.4f}"
    data.print(f"  answered {escape(answered(one['prediction']))}{with_chance}, by {one['version']}")
    data.print(f"  asked at {when(one['asked_at'])}, served {when(one['served_at'])}, {known_facts(one)}")
    _label(made["label"])
    _head("Arm")
    data.print(f"  {one['arm']}: {escape(made['arm']['because'])}")
    _decision("  by", made["arm"]["decision"])
    _version(made["version"], made["decisions"])
    _features(made)


def _label(label: Json) -> None:
    condition = escape(label["condition"])
    if label["status"] == "labelled":
        data.print(f"  {_turned_out(label)}: {condition} turned out {_answer(label['truth'])}")
    elif label["status"] == "maturing":
        data.print(f"  {condition}: known at {when(label['due'])}, when the label is due", style="dim")
    else:
        data.print(f"  {condition}: no label came, and it was due at {when(label['due'])}", style="yellow")


def _turned_out(label: Json) -> str:
    if label["right"] is None:
        return f"it was off by {abs(label['off']):.6g}, too {'high' if label['off'] > 0 else 'low'}"
    return "it was [green]right[/]" if label["right"] else "it was [red]wrong[/]"


def _answer(truth: object) -> str:
    return escape(str({True: "yes", False: "no"}[truth] if isinstance(truth, bool) else truth))


def _version(told: Json, decisions: Json) -> None:
    _head(f"Version {told['version']}, now {(told['state'] or 'unknown').replace('_', ' ')}")
    if not told["here"]:
        data.print("  its folder is not here", style="yellow")
    if "fingerprint" in told:
        legs = "  ".join(f"{leg} {value[:12]}" for leg, value in told["fingerprint"].items())
        data.print(f"  fingerprint  {legs}")
        if told["code"] is not None:
            data.print(f"  code         {_code(told['code'])}", markup=False)
        pin = told["training_set"]
        tables = ", ".join(f"{name}@{version}" for name, version in pin["table_versions"].items())
        data.print(
            f"  trained on   {plural(pin['rows'], 'row')} asked {when(pin['first'])} to"
            f" {when(pin['last'])}, of {tables},"
            f" facts up to sequence {pin['sequence']}"
        )
        if told["here"]:
            data.print(f"  signature    {_signature(told['signature'])}", markup=False)
        if told["judged"] is False:
            data.print("  what lies here is not what its gate judged", style="bold red")
    for word, name in (("made", "asked"), ("gate", "gate")):
        _decision(f"  {word}", decisions[name])
    for one in decisions["approvals"]:
        _decision("  asked", one)
    _decision("  promoted", decisions["promoted"])
    _decision("  deleted", told.get("deleted"))


def _code(code: Json) -> str:
    if code["problem"] is not None:
        return f"{code['problem']} {code['mend']}"
    files = f"{plural(code['files'], 'file')}, trained by {code['function']}"
    if code["commit"] is None:
        return f"{files}; outside of git"
    return f"commit {code['commit'][:12]}{', with changes' if code['dirty'] else ''}; {files}"


def _signature(found: Json) -> str:
    key = f"key {found['key'][:16]}, {found['standing'] or 'not known here'}" if found["key"] else "nobody's"
    if not found["proven"]:
        return f"not proven now ({key}): {found['problem']} {found['mend']}"
    if not found["key"]:
        return "nobody's"
    at = when(found["signed_at"]) if found["signed_at"] else ""
    by = (
        f", signed by {found['by']} at {at}"
        if found["by"]
        else f", signed before its gate decided ({at})"
        if at
        else ""
    )
    return f"proven now: {key}{by}"


def _decision(word: str, one: Json | None) -> None:
    if one is None:
        return
    by = "" if one["actor"] == "policy" else f", by {one['actor']}"
    data.print(escape(f"{word:<15}{one['title']}{by} ({when(one['at'])}; decision {one['seq']})"))
    for reason in one["reasons"]:
        data.print(f"{'':<15}{escape(reason)}", style="dim")


def _features(made: Json) -> None:
    found = made["attributions"]
    served = {one["feature"]: one for one in made["features"]}
    _head("Features")
    if found["problem"] is not None:
        data.print(
            f"  What each did cannot be told: {escape(found['problem'])} {escape(found['mend'])}", style="yellow"
        )
        listed = [{"feature": name, "share": None, "error": 0.0} for name in served]
    else:
        data.print(f"  {_basis(found)}", style="dim")
        listed = found["features"]
    rows = [
        [
            "!" if served.get(one["feature"], {}).get("agrees") is False else " ",
            one["feature"],
            _value(served.get(one["feature"], one).get("served", one.get("value"))),
            _share(one),
            _behind(served.get(one["feature"])),
        ]
        for one in listed[:_MOST]
    ]
    print_table([" ", "feature", "served", "share", "made from"], rows, right=["served", "share"], lead=2)
    if len(listed) > _MOST:
        data.print(f"  {len(listed) - _MOST} more did less; --json has them.", style="dim")
    if made["agrees"]:
        data.print("  every served value is what the rows known then give", style="green")
    else:
        names = escape(", ".join(made["differing"]))
        data.print(f"  served values that the rows known then do not give: {names}", style="bold red")


def _basis(found: Json) -> str:
    of = found["of"] if found["class"] is None else f"{found['of']} of {escape(found['class'])}"
    if found["method"] == "trees":
        return (
            f"shares in {of} from {found['base']:.4f}, that of no row in particular; with it they give the"
            f" answer but for {found['gap']:.1g}"
        )
    how = "exact" if found["method"] == "exact" else f"sampled on {plural(found['scored'], 'row')}"
    return (
        f"shares in {of} from {found['base']:.4f}, the mean of {found['background']} recorded rows; {how};"
        f" with it they give the answer but for {found['gap']:.1g}"
    )


def _share(one: Json) -> str:
    if one["share"] is None:
        return "-"
    error = f" ±{2 * one['error']:.4f}" if one["error"] else ""
    return f"{one['share']:+.4f}{error}"


def _behind(one: Json | None) -> str:
    if one is None:
        return ""
    if one["table"] is None:
        return str(one["definition"])
    return f"{one['counted']:,} of {one['table']}"


def _value(value: Any) -> str:
    if value is None:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _head(text: str) -> None:
    data.print()
    data.print(f"[bold]{escape(text)}[/]")
