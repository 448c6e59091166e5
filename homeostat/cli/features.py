"""The group of commands about features; each command has a module of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from homeostat.cli import features_list
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption

app = typer.Typer(help="List feature views; look at, check and rebuild features.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def features(
    context: typer.Context,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    loop: Annotated[
        str | None, typer.Option("--loop", metavar="LOOP", help="Only this loop's views; all when left out.")
    ] = None,
) -> None:
    """List feature views; look at, check and rebuild features.

    Without a command: every view with its definition hash, what it is looked up by, its freshness objective, the
    versions that use it, and the share of its values that were missing in the last seven days of predictions.
    """
    if context.invoked_subcommand is None:
        features_list.show_views(home, loop, as_json)
        return
    for name in ("home", "as_json", "loop"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"Give options after {context.invoked_subcommand!r}.", ctx=context)
