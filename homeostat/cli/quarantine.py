"""Commands on rows that were kept apart: list them, take them back in after a fix."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import counted, data, errors_shown, show, talk, when
from homeostat.cli.tables import TableArgument, home_of, settings_of

Json = dict[str, Any]


class _ListByDefault(TyperGroup):
    """``homeostat quarantine TABLE`` lists: what is no command is taken for a table."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the words ask for."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["list", *args])


app = typer.Typer(
    cls=_ListByDefault,
    help="List rows kept apart, take them back in. 'homeostat quarantine TABLE' lists.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def listed(
    table: TableArgument,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="At most so many.")] = 20,
) -> None:
    """List the newest rows of a table that are kept apart, with what was wrong.

    Works whether or not Homeostat runs.
    """
    with errors_shown(as_json):
        from homeostat.app.tables.declared_tables import DeclaredTables

        show(DeclaredTables(home_of(home)).quarantined(table, limit), as_json, _listing)


@app.command("readmit")
def readmit(
    table: TableArgument,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="CODE", help="Only rows kept for this reason.")
    ] = None,
    ids: Annotated[list[int] | None, typer.Option("--id", metavar="N", help="Only this row; may be repeated.")] = None,
) -> None:
    """Check kept rows against today's contract, and take in those that keep it.

    They become facts that are known now: what was decided before does not change. Rows that still break the
    contract stay, and so do rows whose key has told more since: a mended row that was sent again is not undone.
    Rows refused at the predict door were questions, not events, and stay. Doing it again changes nothing.
    """
    with errors_shown(as_json):
        from homeostat.app.clocks import SystemClock
        from homeostat.app.recorder.stopped import recorder_of

        settings = settings_of(home)
        now = SystemClock().now() if settings.clock == "system" else None
        with recorder_of(settings) as recorder:
            show(recorder.readmit(table, now, reason=reason, ids=ids or None), as_json, _readmitted)


def _listing(found: list[Json]) -> None:
    if not found:
        talk.print("No row is kept apart.")
    for one in found:
        door = " at the predict door" if one["door"] == "predict" else ""
        data.print(f"[bold]{one['id']:>6}  {when(one['known_at'])}  {one['reason']}[/]{door}")
        data.print(f"        {one['problem']} {one['mend']}", markup=False)
        data.print(f"        {one['content'][:400]}", markup=False, style="dim")


def _readmitted(done: Json) -> None:
    if not any(done.values()):
        talk.print("No row is kept apart.")
        return
    data.print(counted({"taken in": done["accepted"], "known before": done["duplicates"]}))
    data.print(counted({"still broken": done["broken"], "outdated": done["outdated"]}))
