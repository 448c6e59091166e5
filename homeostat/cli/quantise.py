"""The command that asks for a lighter variant of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from homeostat.app.versions.registering import registry_of
from homeostat.cli.context import opened, person
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import data, errors_shown, show
from homeostat.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from homeostat.registry.models import Precision

Json = dict[str, Any]
_PRECISIONS = ("int8", "float16")


def quantise(
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="A registered version, such as v3; else the champion.")
    ] = None,
    loop: Annotated[
        str | None, typer.Option("--loop", metavar="LOOP", help="Needed only if the loop file makes several.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    precision: Annotated[
        str, typer.Option("--precision", metavar="KIND", help="int8: smaller and faster. float16: half the file.")
    ] = "int8",
) -> None:
    """Make a lighter variant of a version, judged like any candidate.

    Its weights are of fewer bits, so its answers differ a little. It is measured on the same held-out rows as the
    champion, passes the gate or does not, and comes in step by step. Control makes it; the gate's decision tells its
    size and speed beside the original's. For neural networks: trees gain nothing and are refused.
    """
    with errors_shown(as_json):
        if precision not in _PRECISIONS:
            mend = f"Give one of {', '.join(_PRECISIONS)}."
            raise InvalidInput(f"--precision {precision} is none.", mend=mend, precision=precision)
        operations, found = opened(home, loop)
        registry, wanted = registry_of(operations.home), cast("Precision", precision)
        show(operations.quantise(found, version, wanted, registry, actor=person()), as_json, _asked)


def _asked(done: Json) -> None:
    made, variant = done["version"], done["variant"]
    data.print(f"{made} is to be made of {variant['of']}: {variant['precision']}.")
    data.print("Control makes and judges it while it runs: see 'homeostat status' and 'homeostat decisions'.")
