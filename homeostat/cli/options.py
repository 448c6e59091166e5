"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="HOMEOSTAT_HOME", help="Folder that holds the state.", file_okay=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
PortOption = Annotated[
    int, typer.Option("--port", help="Port of the doors on 127.0.0.1; the dashboard takes the next one.")
]
LoopArgument = Annotated[str | None, typer.Argument(help="Name of the loop; may be left out when there is one.")]
DEFAULT_HOME = Path(".homeostat")
DEFAULT_PORT = 8400
