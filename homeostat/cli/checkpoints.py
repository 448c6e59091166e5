"""The command for a loop's checkpoints, and how commands wait for state on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.cli.context import opened, person
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, show, talk, when
from homeostat.cli.tabled import print_table
from homeostat.kernel.words import plural

if TYPE_CHECKING:
    from homeostat.app.by_hand.operations import Operations
    from homeostat.control.loop import Loop

Json = dict[str, Any]
_MOST = 5


def checkpoints(
    loop: LoopArgument = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    take: Annotated[bool, typer.Option("--take", help="Take one of the champion's state now.")] = False,
    restore: Annotated[
        str | None, typer.Option("--restore", metavar="ID", help="Put this one back; the route stays as it is.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Read every file and hold it against its hash.")
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """List checkpoints of a loop's state; take one; put one back.

    Newest first. Each is the state of a version as it was before another one answered its first user. Files are
    verified by their hashes; exit code 3 when one is damaged or missing. What is put back replaces the state that is
    there, which is kept as a checkpoint itself; a loop that can replay then gets what was asked since.
    """
    with errors_shown(as_json):
        from homeostat.app.versioned_state import by_hand

        operations, found = opened(home, loop)
        if take:
            show(by_hand.take(operations, found, actor=person()), as_json, _taken)
            return
        if restore is not None:
            if not yes:
                typer.confirm(f"Replace the state of {found.name} by {restore}?", abort=True, err=True)
            begun = by_hand.put_back(operations, found, restore, actor=person())
            show(wait_for_state(operations, found, begun), as_json, moved)
            return
        listed = by_hand.listed(operations, found, verify=verify)
        show(listed, as_json, _listed)
    if any(one["problems"] for one in listed):
        raise typer.Exit(3)


def wait_for_state(operations: Operations, loop: Loop, begun: Json) -> Json:
    """What was begun, with what became of the state that was sent on its way, if any was; progress on stderr."""
    if "restoring" not in begun:
        return begun
    from homeostat.app.versioned_state import by_hand
    from homeostat.kernel.errors import NotFound

    with talk.status("State is on its way ...") as line:
        try:
            ended = by_hand.waited(
                operations, loop, begun["restoring"]["id"], lambda told: line.update(f"State: {told}")
            )
        except NotFound:
            return {**begun, "state": None}
    return {**begun, "state": ended}


def moved(done: Json) -> None:
    """Say what became of the state."""
    if "restoring" not in done:
        return
    if done["state"] is None:
        talk.print("Nothing runs here: the state is put back when 'homeostat up' does.")
    elif done["state"]["decision"] is not None:
        told = done["state"]["decision"]
        data.print(f"{told['title']}.", markup=False)
        if told["verdict"] == "FAILED":
            for reason in told["reasons"]:
                talk.print(f"  {reason}", markup=False)


def _taken(told: Json) -> None:
    data.print(f"{told['id']} holds the state of {told['version']}: {_files(told['files'])}, {_size(told['size'])}.")


def _listed(found: list[Json]) -> None:
    if not found:
        talk.print("No checkpoint yet: the first is taken before a second version answers its first user.")
        return
    rows = [
        [
            one["id"],
            one["version"],
            str(one["generation"]),
            when(one["at"]),
            str(one["files"]),
            _size(one["size"]),
            _state(one),
        ]
        for one in found
    ]
    print_table(
        ["checkpoint", "version", "generation", "taken (UTC)", "files", "size", "state"],
        rows,
        right=["generation", "files", "size"],
    )
    damaged = [one for one in found if one["problems"]]
    for one in damaged:
        more = f" and {len(one['problems']) - _MOST} more" if len(one["problems"]) > _MOST else ""
        data.print(f"{one['id']} is damaged: {'; '.join(one['problems'][:_MOST])}{more}", markup=False)
    if damaged:
        talk.print("Damaged ones are never put back. Take a new one with --take; older intact ones can be named.")


def _state(one: Json) -> str:
    if one["problems"] is None:
        return "not verified"
    if one["problems"]:
        return "damaged"
    return "intact" if one["recorded"] else "not in the ledger"


def _files(count: int) -> str:
    return plural(count, "file")


def _size(size: int) -> str:
    """Bytes as people read them.

    >>> _size(3_500_000)
    '3.5 MB'
    """
    for unit, length in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= length:
            return f"{size / length:.1f} {unit}"
    return f"{size} B"
