"""Commands about who reads a loop's predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.cli.context import opened, present_of
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, show, talk, when

if TYPE_CHECKING:
    from homeostat.app.gateway.consumers import Consumers

Json = dict[str, Any]
app = typer.Typer(help="Know who reads the predictions.", no_args_is_help=True, rich_markup_mode=None)
NamedLoop = Annotated[str, typer.Argument(metavar="LOOP", help="Name of the loop whose predictions are read.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the consumer, as it sends it with requests.")]


@app.callback()
def consumers() -> None:
    """Know who reads the predictions."""


@app.command("add")
def add(
    loop: NamedLoop,
    name: Name,
    contact: Annotated[str, typer.Option("--contact", metavar="TEXT", help="Whom to ask: a team, an address.")],
    needs: Annotated[
        str, typer.Option("--needs", metavar="COLUMNS", help="Columns of a prediction it reads; all by default.")
    ] = "",
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Register somebody who reads a loop's predictions.

    From then on, Homeostat does not start with outputs that break what it needs. Requests that carry the header
    Homeostat-Consumer with this name are counted for it; all others count as unregistered.
    """
    with errors_shown(as_json):
        operations, found = opened(home, loop)
        known = _opened(home)
        now = present_of(known.home) or operations.state(found.name).decided_until or 0
        wanted = tuple(part.strip() for part in needs.split(",") if part.strip())
        show(known.add(found, name, contact, wanted, now), as_json, _added)


@app.command("list")
def listed(loop: LoopArgument = None, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List who reads predictions, and who does without saying.

    Requests are counted by the running gateway, since it was started.
    """
    with errors_shown(as_json):
        found = _opened(home).list(loop)
        if loop is not None and not found:
            opened(home, loop)  # tells a loop that there is not
        show(found, as_json, _listed)


@app.command("remove")
def remove(
    loop: NamedLoop,
    name: Name,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """End a registration.

    What the consumer needed may then change without anybody being asked. It asks first; --yes does not.
    """
    with errors_shown(as_json):
        from homeostat.app.by_hand.operations import Operations

        known = _opened(home)
        now = present_of(known.home) or Operations.open(known.home).state(loop).decided_until or 0
        if not yes and any((one["loop"], one["consumer"]) == (loop, name) for one in known.list(loop)):
            typer.confirm(f"Let the outputs of {loop} change without asking {name}?", abort=True, err=True)
        show(known.remove(loop, name, now), as_json, _removed)


def _opened(home: Path) -> Consumers:
    """The consumers of an existing home."""
    from homeostat.app.gateway.consumers import Consumers
    from homeostat.app.home import Home

    return Consumers.open(Home(home.resolve()).existing())


def _added(one: Json) -> None:
    data.print(f"{one['consumer']} is registered for {one['loop']}; it needs {', '.join(one['needs'])}.", markup=False)
    talk.print(f"It sends the header [bold]Homeostat-Consumer: {one['consumer']}[/] with its requests.")


def _removed(one: Json) -> None:
    data.print(f"{one['consumer']} is no longer registered for {one['loop']}.", markup=False)


def _listed(found: list[Json]) -> None:
    if not found:
        talk.print("Nobody is registered. To register: homeostat consumers add LOOP NAME --contact ...", markup=False)
        return
    for one in found:
        style = "bold" if one["registered"] else "bold yellow"
        since = f", since {when(one['since'])[:10]}" if one["since"] else ""
        data.print(f"[{style}]{one['consumer']}[/] reads {one['loop']}{since}")
        if one["registered"]:
            data.print(f"    contact   {one['contact']}", markup=False)
            data.print(f"    needs     {', '.join(one['needs'])}", markup=False)
        if one["requests"] is not None:
            data.print(f"    requests  {one['requests']:,}, last {_last(one['last_seen'])}")
    if all(one["requests"] is None for one in found):
        talk.print("No instance runs: nobody counts requests now.")


def _last(seen: str | None) -> str:
    return "never" if seen is None else f"{when(seen)} UTC"
