"""Commands that look into tables: what they hold, facts as they were known, and old files that may go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import counted, data, errors_shown, headed, show, talk, when
from homeostat.cli.tabled import print_table
from homeostat.kernel.clock import parse_instant

if TYPE_CHECKING:
    from homeostat.app.home import Home
    from homeostat.app.settings import Settings

Json = dict[str, Any]
app = typer.Typer(help="Look into tables.", rich_markup_mode=None, invoke_without_command=True)
TableArgument = Annotated[str, typer.Argument(metavar="TABLE", help="Name of a table, as the loop file gives it.")]


@app.callback(invoke_without_command=True)
def tables(context: typer.Context, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List the tables: rows, versions, freshness, rows kept apart, size on disk.

    'fresh' is the age of the newest event against the table's objective. Works whether or not Homeostat runs.
    """
    if context.invoked_subcommand is None:
        with errors_shown(as_json):
            from homeostat.app.tables.declared_tables import DeclaredTables

            show(DeclaredTables(home_of(home)).overview(), as_json, _listing)


@app.command("show")
def show_rows(
    table: TableArgument,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="Only facts that had happened by then.")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option("--known-at", metavar="TIME", help="As the table was known then.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", metavar="[COLUMN=]VALUE", help="Only this key; once per key column.")
    ] = None,
    where: Annotated[str | None, typer.Option("--where", metavar="CONDITION", help='Such as "arr_delay > 15".')] = None,
    history: Annotated[
        list[str] | None,
        typer.Option("--history", metavar="[COLUMN=]VALUE", help="Every fact of this key, as they became known."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="At most so many.")] = 20,
) -> None:
    """Print facts as they were known: the newest of each key, latest event first.

    A fact counts when its event time is at most --as-of and it was accepted by --known-at; a correction known by
    then takes the place of what it corrects. Facts that wait to be stored are shown too. With --json every row
    carries its sequence and known time.
    """
    with errors_shown(as_json):
        from homeostat.app.tables.stored_tables import Asked, StoredTables

        found = StoredTables(home_of(home))
        if history:
            show(found.history(table, history, limit), as_json, _facts)
        else:
            times = [None if text is None else parse_instant(text) for text in (as_of, known_at)]
            show(found.show(table, Asked(times[0], times[1], key or (), where, limit)), as_json, _facts)


@app.command("vacuum")
def vacuum(
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    hours: Annotated[
        int, typer.Option("--hours", metavar="N", min=0, help="Only files that were let go so long ago.")
    ] = 168,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove them; else they are only counted.")] = False,
) -> None:
    """Remove files of tables and logs that nothing needs any more; count them first.

    Compaction leaves the files that it merged behind, for older versions to be read. Every version that a
    registered model was trained on stays readable, and the newest; others do not. Homeostat does this by itself
    once a day, for files let go a week ago. Less than an hour is refused while it runs: readers may be at work.
    """
    with errors_shown(as_json):
        from homeostat.app.recorder import stopped

        show(stopped.vacuum(settings_of(home), hours, dry_run=not yes), as_json, _vacuumed)


def home_of(home: Path) -> Home:
    """An existing home, or one that nothing but facts of before was brought into."""
    from homeostat.app.home import Home

    found = Home(home)
    imported = found.settings_file.exists() and (found.root / "journal.sqlite").exists()
    return found if imported else found.existing()


def settings_of(home: Path) -> Settings:
    """Its settings."""
    from homeostat.app.settings import Settings

    return Settings.load(home_of(home).root)


def size(bytes_: int) -> str:
    """Bytes as a person reads them.

    >>> size(999), size(15_300_000)
    ('999 B', '15.3 MB')
    """
    if bytes_ < 1_000:
        return f"{bytes_} B"
    power = min(4, (len(str(bytes_)) - 1) // 3)
    return f"{bytes_ / 1_000**power:.1f} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def age(seconds: int) -> str:
    """An age as a person reads it, in its largest unit.

    >>> age(42), age(7_300), age(700_000)
    ('42 s', '2.0 h', '8.1 d')
    """
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3_600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"


def _listing(found: list[Json]) -> None:
    rows = [
        [
            one["table"],
            f"{one['rows']:,}",
            when(one["newest_event"]) if one["newest_event"] else "-",
            _fresh(one),
            f"{one['quarantined']:,}",
            size(one["bytes"]),
        ]
        for one in found
    ]
    columns = ["table", "rows", "newest event", "fresh", "kept apart", "size"]
    print_table(columns, rows, right=["rows", "kept apart", "size"])
    data.print()
    width = max(len(one["table"]) for one in found)
    for one in found:
        data.print(f"{one['table']:<{width}}  {_details(one)}", markup=False)


def _details(one: Json) -> str:
    """What the table above has no room for, leaving out what is nothing."""
    told = [f"versions {one['versions']:,}, pinned {one['pinned']:,}", f"files {one['files']:,}"]
    for name in ("compacted_at", "vacuumed_at"):
        if one[name]:
            told.append(f"{name.removesuffix('_at')} {when(one[name])}")
    odd = {name: one[name] for name in ("waiting", "imported", "readmitted", "duplicates")}
    return "   ".join([*told, *(counted({name: n}) for name, n in {**odd, **one["warnings"]}.items() if n)])


def _fresh(one: Json) -> str:
    if one["age_seconds"] is None:
        return "no event"
    if one["objective_seconds"] is None:
        return age(one["age_seconds"])
    late = one["age_seconds"] - one["objective_seconds"]
    return "ok" if late <= 0 else f"late by {age(late)}"


def _facts(found: Json) -> None:
    if not found["rows"]:
        talk.print("No such fact.")
        return
    names = list(found["rows"][0]["row"])
    shown = [[*(_cell(fact["row"][name]) for name in names), when(fact["known_at"])] for fact in found["rows"]]
    columns = [*names, "known (UTC)"]
    widths = [max(len(row[place]) for row in [columns, *shown]) for place in range(len(columns))]
    if sum(widths) + 2 * len(widths) <= data.width:
        print_table(columns, shown)
    else:
        _records(columns, shown)
    if found["found"] > len(shown):
        talk.print(f"{len(shown):,} of {found['found']:,}; --limit shows more.")


def _records(columns: list[str], shown: list[list[str]]) -> None:
    """One line per value: a table with more columns than fit would be torn."""
    width = max(map(len, columns))
    for number, row in enumerate(shown):
        if number:
            data.print()
        for name, value in zip(columns, row, strict=True):
            headed(f"{name:<{width}}  ", value, "dim")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _vacuumed(found: Json) -> None:
    rows = [
        [name, f"{gone['files']:,}", size(gone["bytes"]), f"{len(found['kept'].get(name, ())):,}"]
        for kind in ("tables", "logs")
        for name, gone in found[kind].items()
    ]
    if not rows:
        talk.print("Nothing is stored yet.")
        return
    print_table(["table or log", "files", "size", "pinned versions"], rows, right=["files", "size", "pinned versions"])
    if not found["removed"] and any(gone["files"] for kind in ("tables", "logs") for gone in found[kind].values()):
        talk.print("Nothing was removed. Give --yes to remove these files.")
