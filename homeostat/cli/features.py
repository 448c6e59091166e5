"""The group of commands about features; each command has a module of its own."""

from __future__ import annotations

import typer

app = typer.Typer(help="Look at features, check them, rebuild them.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def features() -> None:
    """Look at features, check them, rebuild them."""
