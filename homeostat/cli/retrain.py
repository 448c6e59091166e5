"""The group of commands about retraining."""

from __future__ import annotations

import typer

app = typer.Typer(help="Watch a training, or ask for one now.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def retrain() -> None:
    """Watch a training, or ask for one now."""
