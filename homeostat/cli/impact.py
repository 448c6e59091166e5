"""The command that tells what depends on data, definitions or a version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import data, errors_shown, show, talk, when
from homeostat.cli.tabled import print_table
from homeostat.kernel.words import plural

if TYPE_CHECKING:
    from homeostat.app.lineage.depends import Lineage

Json = dict[str, Any]


def impact(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="WHAT",
            help="TABLE, TABLE@VERSION, TABLE.COLUMN, a view, transform or feature, or a version such as v3.",
        ),
    ] = None,
    rows: Annotated[
        Path | None, typer.Option("--rows", metavar="FILE", help="CSV, Parquet or JSON lines with keys of rows.")
    ] = None,
    loop: Annotated[str | None, typer.Option("--loop", metavar="LOOP", help="Look only in this loop.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Tell what depends on data, a definition or a version.

    Which versions were trained on it and in which role, which predictions they gave, from when to when, and who reads
    these. TABLE@VERSION means what came with that version of the table, and all that was built on it since. --rows
    tells of the rows whose keys a file holds: in which training sets they are, and which predictions were made of them;
    name the table too where several have these keys.
    """
    with errors_shown(as_json):
        lineage = _opened(home)
        show(_asked(lineage, what, rows, loop), as_json, _told)


def _asked(lineage: Lineage, what: str | None, rows: Path | None, loop: str | None) -> Json:
    from homeostat.kernel.errors import InvalidInput

    if rows is not None:
        from homeostat.app.lineage.rows import impact_of_rows, rows_of

        return impact_of_rows(lineage, rows_of(lineage, rows, what, loop), loop)
    if what is None:
        raise InvalidInput("Nothing is named.", mend="Name a table, a definition or a version; or give --rows FILE.")
    from homeostat.app.lineage.impact import impact

    return impact(lineage, what, loop)


def _opened(home: Path) -> Lineage:
    from homeostat.adapters.signing.heads import HeadsFile
    from homeostat.adapters.sql.consumers import SqlConsumers
    from homeostat.adapters.sql.control_store import SqlControlStore
    from homeostat.adapters.sql.database import Database
    from homeostat.app.home import Home
    from homeostat.app.lineage.depends import Lineage
    from homeostat.app.loops.loader import load_loops
    from homeostat.cli.context import flush_of

    existing = Home(home).existing()
    flush_of(existing)()
    database, heads = Database(existing.control_db), HeadsFile(existing.ledger)
    return Lineage(
        existing, load_loops(existing.loop_file()), SqlControlStore(database, heads), SqlConsumers(database, heads)
    )


def _told(found: Json) -> None:
    of = found["of"]
    data.print(f"[bold]{of['kind']} {escape(of['name'])}[/]")
    if of["kind"] == "rows":
        talk.print(f"{plural(of['rows'], 'row is', 'rows are')} named; known here: {of['known']:,}.")
    if not found["versions"]:
        data.print("Nothing depends on it.")
        return
    for one in found["versions"]:
        data.print()
        state = f", {one['state'].replace('_', ' ')}" if one["state"] else ""
        data.print(f"[bold]{one['version']}[/] of {one['loop']}{state}")
        for why in one["because"]:
            data.print(f"  {escape(why)}")
        if one["predictions"]:
            rows = [
                [each["arm"], f"{each['predictions']:,}", when(each["first"]), when(each["last"]), each["first_id"]]
                for each in one["predictions"]
            ]
            print_table(["  arm", "predictions", "first", "last", "such as"], _indented(rows), right=["predictions"])
    all_of = found["predictions"]
    data.print()
    if all_of["count"]:
        data.print(f"{plural(all_of['count'], 'prediction')}, asked {when(all_of['first'])} to {when(all_of['last'])}")
    else:
        data.print("No prediction depends on it.")
    for one in found["consumers"]:
        needs = ", ".join(one["needs"])
        data.print(f"{one['consumer']} reads those of {one['loop']} ({one['contact']}): {needs}", markup=False)


def _indented(rows: list[list[str]]) -> list[list[str]]:
    return [[f"  {row[0]}", *row[1:]] for row in rows]
