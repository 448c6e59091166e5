"""One entity's features, as served and as training would compute them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import bold, data, errors_shown, show, talk, when
from homeostat.cli.tabled import Cell, print_table

Json = dict[str, Any]
Value = str | float | None


def get(
    view: Annotated[str, typer.Argument(metavar="VIEW", help="Name of the view; 'homeostat features' lists them.")],
    entity: Annotated[
        list[str],
        typer.Option("--entity", "-e", metavar="KEY=VALUE", help="What to look up; once per key of the view."),
    ],
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="As of this time, such as 2013-02-01T05:00:00Z; now if left out."),
    ] = None,
    loop: Annotated[
        str | None, typer.Option("--loop", metavar="LOOP", help="Needed only if the loop file makes several.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show an entity's features online and offline, side by side.

    Online is what serving reads now; offline is what training computes from the tables for the same time and the
    same facts. They should agree: exit code 3 when they do not. A time that the online store keeps no longer is
    answered offline alone.
    """
    with errors_shown(as_json):
        from homeostat.app.features.view_lookup import looked_up
        from homeostat.app.home import Home

        found = looked_up(Home(home).existing(), loop, view, entity, at)
        show(found, as_json, _text)
        if any(one["same"] is False for one in found["features"]):
            raise typer.Exit(3)


def _text(found: Json) -> None:
    entity = ", ".join(f"{name}={value}" for name, value in found["entity"].items())
    data.print(f"{found['view']} of {entity} as of {when(found['at'])} UTC, sequence {found['sequence']:,}")
    if found["past"]:
        talk.print(f"{found['past']} These are the offline values.")
    if not found["heard_of"]:
        talk.print(f"No fact of {entity} was ever taken in.")
    rows = [
        [one["feature"], "-" if found["past"] else _shown(one["online"]), _shown(one["offline"]), _remark(one)]
        for one in found["features"]
    ]
    print_table(["feature", "online", "offline", ""], rows, right=["online", "offline"])


def _shown(value: Value) -> str:
    if value is None:
        return "missing"
    return value if isinstance(value, str) else f"{value:.10g}"


def _remark(one: Json) -> Cell:
    if one["same"] is False:
        return bold("differs", "red")
    return "default" if one["defaulted"] else ""
