"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def said(text: str) -> str:
    """What a person says of why, in one line: it stands in the ledger, and must say something."""
    told = " ".join(text.split())
    if not told:
        raise typer.BadParameter("say why, in a few words.")
    return told


HomeOption = Annotated[
    Path,
    typer.Option("--home", metavar="DIR", envvar="HOMEOSTAT_HOME", help="Folder that holds all state."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to stdout, and talk to stderr only.")]
PortOption = Annotated[
    int,
    typer.Option("--port", metavar="N", help="Port of the doors on 127.0.0.1; the dashboard takes the next one."),
]
LoopArgument = Annotated[
    str | None,
    typer.Argument(metavar="LOOP", help="Name of the loop; needed only if the loop file makes several."),
]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; written to the ledger.", callback=said)
]
DEFAULT_HOME = Path(".homeostat")
DEFAULT_PORT = 8400
