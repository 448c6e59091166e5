"""The command that lets a version see traffic without answering it."""

from __future__ import annotations

from typing import Annotated

import typer

from homeostat.cli.context import opened, person
from homeostat.cli.operate import changed
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import errors_shown, show
from homeostat.kernel.errors import InvalidInput


def shadow(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A registered version, such as v3.")],
    loop: Annotated[
        str | None, typer.Option("--loop", metavar="LOOP", help="Needed only if the loop file makes several.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    share: Annotated[float, typer.Option("--share", metavar="SHARE", help="Share of the units that it sees.")] = 1.0,
    stop: Annotated[bool, typer.Option("--stop", help="End it.")] = False,
) -> None:
    """Let a version see traffic beside the champion.

    It predicts in a process of its own, off the reply path; its answers are logged as those of a shadow, and nobody
    gets them. Whatever it does, users notice nothing.
    """
    with errors_shown(as_json):
        if not stop and not 0.0 < share <= 1.0:
            mend = "Give a number above 0 and up to 1, such as 0.1; --stop ends a shadow."
            raise InvalidInput(f"--share {share} is no share of the traffic.", mend=mend, share=share)
        operations, found = opened(home, loop)
        done = operations.cast_shadow(found, version, 0.0 if stop else share, actor=person(), now=None)
        show(done, as_json, changed)
