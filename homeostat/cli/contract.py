"""Commands about contracts: what a table promises, a proposal, a check of a file before it is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import data, errors_shown, show, talk, when
from homeostat.cli.tabled import print_table
from homeostat.kernel.words import plural

if TYPE_CHECKING:
    from homeostat.app.home import Home
    from homeostat.control.loop import Loop

Json = dict[str, Any]
app = typer.Typer(help="See, propose and try what tables promise.", no_args_is_help=True, rich_markup_mode=None)
TableArgument = Annotated[str, typer.Argument(metavar="TABLE", help="Name of a table, as the loop file gives it.")]


@app.callback()
def contract() -> None:
    """See, propose and try what tables promise."""


@app.command("show")
def show_(table: TableArgument, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Show what a table promises, since when, and what broke it lately.

    'Lately' are the seven days before the newest row. Says too what the loop file, as it is now, would change at the
    next start. Works whether or not Homeostat runs.
    """
    with errors_shown(as_json):
        from homeostat.app.tables.contract_shown import show_contract

        place, loops = _opened(home)
        show(show_contract(place, loops, table), as_json, _contract)


@app.command("infer")
def infer(
    source: Annotated[
        str, typer.Argument(metavar="TABLE|FILE", help="A stored table, or a .csv, .parquet or .jsonl file.")
    ],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Propose a contract, as Python to paste into the loop file.

    From the facts stored for a table, or from a file: kinds, nulls, ranges with a margin of a tenth, categories
    where they are few (open: a new one only warns), the shape of texts that are all built alike, and columns that
    could be the key. Nothing is put in force.
    """
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.tables.contract_views import infer_contract

        show(infer_contract(Home(home), source), as_json, _proposal)


@app.command("check")
def check(
    table: TableArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, Parquet or JSON lines.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    loop_file: Annotated[
        Path | None,
        typer.Option("--loop-file", metavar="FILE", help="Where the table is declared; that of 'up' by default."),
    ] = None,
) -> None:
    """Try a file's rows against a table's contract; nothing is taken in.

    Says for each promise how many rows break it and what would follow. Rows whose event time lies in the future,
    or that are known already, are told only when they are sent. Exit code 3 when a promise is broken.
    """
    with errors_shown(as_json):
        from homeostat.app.tables.contract_shown import table_named
        from homeostat.app.tables.contract_views import check_file

        declared = table_named(_loops(home, loop_file).values(), table)
        with Progress(TextColumn("{task.description}"), BarColumn(), console=talk, transient=True) as bar:
            task = bar.add_task(f"checking {file.name}")
            found = check_file(declared, file, lambda done, total: bar.update(task, completed=done, total=total))
        show(found, as_json, _checked)
    if found["refused"] or any(one["verdict"] != "warn" for one in found["promises"]):
        raise typer.Exit(3)


def _opened(home: Path) -> tuple[Home, dict[str, Loop]]:
    from homeostat.app.home import Home

    return Home(home), _loops(home, None)


def _loops(home: Path, loop_file: Path | None) -> dict[str, Loop]:
    from homeostat.app.home import Home
    from homeostat.app.loops.loader import load_loops

    return load_loops(loop_file or Home(home).existing().loop_file())


def _contract(shown: Json) -> None:
    number = "not in force yet" if shown["version"] is None else f"contract {shown['version']}"
    data.print(
        f"[bold]{shown['table']}[/]  {number}   key {', '.join(shown['key'])}   event time {shown['event_time']}"
    )
    rows = [
        [name, column["kind"], "yes" if column["nullable"] else "no", *_promise(column)]
        for name, column in shown["columns"].items()
    ]
    data.print()
    print_table(["column", "kind", "null", "promise", "if broken"], rows)
    if shown["rules"]:
        data.print()
        print_table(["rule", "if broken"], [[_rule(one), one["verdict"]] for one in shown["rules"]])
    if shown["versions"]:
        data.print()
        told = [[str(v["version"]), when(v["since"]), _changes(v["changes"])] for v in shown["versions"]]
        print_table(["version", "since (UTC)", "what changed"], told)
    if shown["declared_changes"]:
        data.print()
    for change in shown["declared_changes"]:
        told_of = f" (refused: {', '.join(change['dependants'])})" if change["dependants"] else ""
        data.print(f"[yellow]at the next start[/]: {escape(change['text'])}{escape(told_of)}")
    data.print()
    if not shown["broken"]:
        data.print("Nothing broke it lately.")
        return
    broken = [
        [one["promise"], f"{one['kept_apart']:,}", f"{one['warned']:,}", when(one["last"] or "") or "-"]
        for one in shown["broken"]
    ]
    print_table(["broken lately", "kept apart", "warned", "last (UTC)"], broken, right=["kept apart", "warned"])


def _promise(column: Json) -> tuple[str, str]:
    parts = []
    if column["low"] is not None or column["high"] is not None:
        low, high = ("-" if bound is None else f"{bound:g}" for bound in (column["low"], column["high"]))
        parts.append(f"{low} to {high}")
    if column["categories"] is not None:
        listed = ", ".join(column["categories"][:6]) + (", …" if len(column["categories"]) > 6 else "")
        parts.append(f"{'known' if column.get('open') else 'one of'}: {listed}")
    if column.get("matches"):
        parts.append(f"matches {column['matches']}")
    return "; ".join(parts) or "-", column.get("verdict", "quarantine")


def _rule(one: Json) -> str:
    bounds = [
        f"at {word} {one[part]:g}" for part, word in (("low", "least"), ("high", "most")) if one.get(part) is not None
    ]
    return ": ".join([one["name"], *([" and ".join(bounds)] if bounds else [])])


def _changes(changes: list[str]) -> str:
    return "; ".join(changes) or "the first"


def _proposal(found: Json) -> None:
    data.print(found["python"], markup=False, soft_wrap=True)
    talk.print("Proposed, not in force: read every line, correct it, then paste it into the loop file.")


def _checked(found: Json) -> None:
    kept = "the whole file would be refused" if found["refused"] else f"{found['taken']:,} would be taken in"
    data.print(f"{plural(found['rows'], 'row')} of {escape(found['file'])}: {kept}.")
    if found["promises"]:
        data.print()
        told = [[one["promise"], one["verdict"], f"{one['rows']:,}"] for one in found["promises"]]
        print_table(["broken promise", "verdict", "rows"], told, right=["rows"])
        for one in found["promises"]:
            data.print(f"\n[bold]{escape(one['promise'])}[/]")
            for example in one["examples"]:
                data.print(f"  {example}", markup=False)
    for one in found["figures"]:
        mark = {True: "[red]broken[/]", False: "kept", None: "[yellow]unknown[/]"}[one["broken"]]
        data.print(f"{mark}: {escape(one['text'])} ({one['verdict']})")
