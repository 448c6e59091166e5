"""The command that takes in history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import counted, data, errors_shown, show, talk
from homeostat.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from homeostat.app.settings import Settings
    from homeostat.app.tables.importing import Progress as Told
    from homeostat.app.tables.importing import Source
    from homeostat.data.tables import Table

Json = dict[str, Any]


def import_(
    files: Annotated[
        list[str], typer.Argument(metavar="TABLE FILE [TABLE FILE ...]", help="CSV, Parquet or JSON lines.")
    ],
    known_at: Annotated[
        list[str],
        typer.Option(
            "--known-at",
            metavar="[TABLE=]COLUMN",
            help="Column that says when each row became known; per table where they differ.",
        ),
    ],
    home: HomeOption = DEFAULT_HOME,
    loop_file: Annotated[
        Path | None,
        typer.Option("--loop-file", metavar="FILE", help="Where the tables are declared; that of 'up' by default."),
    ] = None,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Keep broken rows apart instead of refusing the files.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take in the history of tables from files, before they live.

    Every row says in --known-at when it became known; that is believed here and nowhere else, and marked in the
    table. Name the files of all tables in one command: their rows are numbered together in the order in which
    they became known, so that a feature never sees what came later. All rows are taken in, or none. The same
    files again change nothing. Homeostat must be stopped.
    """
    with errors_shown(as_json):
        from homeostat.app.clocks import SystemClock
        from homeostat.app.tables.importing import import_history

        settings = _settings(home.resolve(), loop_file)
        tables = _tables(settings.loop_file)
        sources = list(_sources(files, known_at, tables))
        with _bar(as_json) as told:
            done = import_history(
                settings,
                list(tables.values()),
                sources,
                SystemClock().now(),
                keep_apart=quarantine,
                progress=told,
            )
        show(done, as_json, _imported)


def _settings(home: Path, loop_file: Path | None) -> Settings:
    from homeostat.app.settings import Settings

    known = (home / "settings.json").exists()
    if known and loop_file is None:
        return Settings.load(home)
    file = (loop_file or Path("loop.py")).resolve()
    return Settings.load(home).model_copy(update={"loop_file": file}) if known else Settings(home=home, loop_file=file)


def _tables(loop_file: Path) -> dict[str, Table]:
    from homeostat.app.loops.loader import load_loops

    return {table.name: table for loop in load_loops(loop_file).values() for table in loop.tables}


def _sources(files: list[str], known_at: list[str], tables: dict[str, Table]) -> Iterator[Source]:
    from homeostat.adapters.files.tabular import TabularFile
    from homeostat.app.tables.importing import Source
    from homeostat.data.checks import did_you_mean

    if len(files) % 2 or len(set(files[::2])) != len(files) // 2:
        mend = "Write TABLE FILE, and again for each further table: departures dep.csv arrivals arr.csv."
        raise InvalidInput("Each table needs one file.", mend=mend)
    columns = {name: column for name, _, column in (text.rpartition("=") for text in known_at)}
    for name, file in zip(files[::2], files[1::2], strict=True):
        if name not in tables:
            raise InvalidInput(f"The loop file declares no table {name!r}.", mend=did_you_mean(name, tables))
        column = columns.get(name, columns.get(""))
        if column is None:
            raise InvalidInput(f"Table {name!r} has no --known-at.", mend=f"Add --known-at {name}=COLUMN.")
        kinds = {column_: declared.kind for column_, declared in tables[name].contract.items()}
        yield Source(tables[name], TabularFile(Path(file), kinds), column)


@contextmanager
def _bar(as_json: bool) -> Iterator[Told]:
    """A bar on stderr, where a person looks."""
    share = TextColumn("{task.percentage:>3.0f}%")
    columns = TextColumn("{task.description}"), BarColumn(), share, TimeRemainingColumn()
    with Progress(*columns, console=talk, transient=True, disable=as_json or not talk.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield told


def _imported(done: Json) -> None:
    if done["again"]:
        talk.print("These files were imported before; nothing was changed.")
    counts = {name: done[name] for name in ("rows", "duplicates", "quarantined")}
    data.print(counted(counts))
    if done["rows"]:
        data.print(f"sequences {done['first_sequence']:,} to {done['last_sequence']:,}")
