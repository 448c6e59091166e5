"""The command that tells how a prediction was made, and lists the predictions served last."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from homeostat.cli.context import shown
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import answered, data, errors_shown, known_facts, show, talk, when
from homeostat.cli.tabled import print_table
from homeostat.kernel.words import plural

Json = dict[str, Any]

_DRAWN = {
    (True, False): "acted on: its label is not its own",
    (False, True): "left alone by chance, and stands for others that are acted on",
    (False, False): "not to be acted on",
}


def explain(
    prediction_id: Annotated[
        str | None, typer.Argument(metavar="PREDICTION_ID", help="From a reply; left out, the newest are listed.")
    ] = None,
    feature: Annotated[str | None, typer.Option("--feature", "-f", metavar="F", help="Only this feature.")] = None,
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", min=1, max=1_000, help="List at most so many rows of a feature.")
    ] = 20,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="List those of this question; several parts: JSON.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1_000, help="List at most so many.")] = 20,
    loop: Annotated[str | None, typer.Option("--loop", metavar="LOOP", help="Name of the loop.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Tell how a prediction was made, feature by feature.

    Every value is recomputed from the rows that had been accepted when the prediction read them; a feature whose
    served value they do not give is marked. With --feature it lists the rows, those too that did not count, and
    why. Without an id, the predictions served last are listed, newest first. Times are UTC. Exit code 3: a served
    value differs.
    """
    with errors_shown(as_json):
        showing, found = shown(home, loop)
        if prediction_id is None:
            show(showing.predictions(found.name, limit, key), as_json, _listed)
            return
        made = showing.prediction(found.name, prediction_id, rows, feature)
        show(made, as_json, _all if feature is None else _one)
        if not made["agrees"]:
            raise typer.Exit(3)


def _listed(found: list[Json]) -> None:
    if not found:
        talk.print("No prediction is logged that fits.")
        return
    rows = [
        [
            one["prediction_id"],
            when(one["asked_at"]),
            *([f"{one['probability']:.3f}"] if "probability" in one else []),
            answered(one["prediction"]),
            one["key"],
            one["version"] + (" (canary)" if one["arm"] == "canary" else ""),
        ]
        for one in found
    ]
    probability = ["probability"] if "probability" in found[0] else []
    columns = ["prediction", "asked at", *probability, "answer", "key", "version"]
    print_table(columns, rows, right=probability)


def _all(made: Json) -> None:
    _head(made)
    again = [] if made["agrees"] else ["recomputed"]
    rows = [
        [
            "!" if one["agrees"] is False else " ",
            one["feature"],
            _value(one["served"]),
            *(_value(one["recomputed"]) for _ in again),
            _made_from(one),
        ]
        for one in made["features"]
    ]
    print_table([" ", "feature", "served", *again, "made from"], rows, right=["served", "recomputed"], lead=2)
    data.print()
    data.print("The rows behind one of them: add --feature NAME.", style="dim")


def _one(made: Json) -> None:
    _head(made)
    one = made["features"][0]
    data.print(f"[bold]{escape(one['feature'])}[/]  {escape(one['definition'])}")
    data.print(f"  served {_value(one['served'])}   recomputed {_value(one['recomputed'])}   {_made_from(one)}")
    if one["until"]:
        word = "after" if one["how"] == "window" else "from"
        since = f"{word} {when(one['since'])} " if one["since"] else ""
        data.print(f"  in reach: what happened {since}up to {when(one['until'])}")
    if not one["rows"]:
        if one["table"]:
            data.print("  No fact was in reach.")
        return
    data.print()
    names = list(one["rows"][0]["values"])
    rows = [
        [
            row["why"],
            when(row["event_time"]),
            when(row["known_at"]) if row["known_at"] else "-",
            str(row["sequence"]),
            *(_value(row["values"][name]) for name in names),
            f"by {row['superseded_by']}" if row["superseded_by"] is not None else "",
        ]
        for row in one["rows"]
    ]
    print_table(["standing", "happened", "known", "sequence", *names, "superseded"], rows, right=["sequence"])
    if one["total"] > len(rows):
        older = plural(one["total"] - len(rows), "older row is", "older rows are")
        talk.print(f"{older} not listed; add --rows {min(1_000, one['total'])}.")


def _head(made: Json) -> None:
    told = made["prediction"]
    answer = answered(told["prediction"])
    if "probability" in told:
        answer = f"{told['probability']:.4f} ({answer})"
    data.print(f"[bold]{told['prediction_id']}[/]  {escape(told['key'])}")
    data.print(
        f"  {answer} by {told['version']} as {told['arm']}, asked at"
        f" {when(told['asked_at'])}, served {when(told['served_at'])}, {known_facts(told)}"
    )
    if told.get("acts") is not None:
        chance = f" (to be left alone with a chance of {told['propensity']:.3g})" if told["propensity"] < 1 else ""
        by = f", as {told['reported_in']} says" if told.get("reported_in") else ""
        data.print(f"  {_DRAWN[bool(told['acts']), bool(told['explored'])]}{chance}{by}")
    if told.get("wrong_with_report"):
        wrong = told["wrong_with_report"].replace("_", " ")
        data.print(f"  its report in {told['reported_in']}: {wrong}", style="yellow")
    if told.get("trace_id"):
        data.print(f"  trace {told['trace_id']}")
    if not made["same_definitions"]:
        data.print(
            "  served under other definitions than the loop file's, by which it is explained here", style="yellow"
        )
    if made["agrees"]:
        data.print("  every served value is what the rows known then give\n", style="green")
    else:
        names = ", ".join(made["differing"])
        data.print(f"  served values that the rows known then do not give: {escape(names)}\n", style="bold red")


def _made_from(one: Json) -> str:
    if one["how"] in ("latest", "window"):
        entity = ", ".join(f"{name} {_value(value)}" for name, value in one["entity"].items())
        left = one["total"] - one["counted"]
        return f"{one['counted']:,} of {one['table']}, {entity}" + (f" ({left:,} did not count)" if left else "")
    if one["how"] == "transform":
        return ", ".join(f"{name} {_value(value)}" for name, value in one["inputs"].items())
    return str(one["definition"])


def _value(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, float):
        return f"{value:.6g}"
    return when(value) if isinstance(value, str) and value.endswith("Z") and value[4:5] == "-" else str(value)
