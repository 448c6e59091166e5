"""Commands that keep versions and delete them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.app.versions.registering import registry_of
from homeostat.cli.context import opened, person
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument, ReasonOption
from homeostat.cli.output import data, errors_shown, show, talk, when
from homeostat.cli.tabled import print_table
from homeostat.cli.versions import LoopOption, VersionArgument
from homeostat.kernel.words import plural

if TYPE_CHECKING:
    from homeostat.app.versions.retention import Retention
    from homeostat.control.loop import Loop

Json = dict[str, Any]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def pin(
    version: VersionArgument,
    reason: ReasonOption,
    loop: LoopOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Keep a version whatever the policy says, as for an audit.

    Until it is unpinned, nobody deletes it: neither the policy nor 'homeostat versions delete'.
    """
    with errors_shown(as_json):
        kept, found = _retention(home, loop)
        show(kept.pin(found, version, reason, person()), as_json, _decided)


def unpin(
    version: VersionArgument,
    reason: ReasonOption,
    loop: LoopOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Leave a pinned version to the policy again."""
    with errors_shown(as_json):
        kept, found = _retention(home, loop)
        show(kept.unpin(found, version, reason, person()), as_json, _decided)


def delete(
    version: VersionArgument,
    reason: ReasonOption,
    loop: LoopOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    yes: Yes = False,
) -> None:
    """Delete a version that nothing needs, for good.

    One that serves, stands by, may have to serve again, or is pinned is refused. The ledger keeps its manifest; its
    files leave the registry and this machine. It asks first; --yes does not.
    """
    with errors_shown(as_json):
        kept, found = _retention(home, loop)
        if not yes:
            typer.confirm(f"Delete {version} of {found.name} for good?", abort=True, err=True)
        show(kept.delete(found, version, reason, person()), as_json, _deleted)


def prune(
    loop: LoopArgument = None,
    last: Annotated[
        int | None,
        typer.Option("--last", metavar="N", min=1, help="Keep the newest so many; the loop's own otherwise."),
    ] = None,
    age: Annotated[
        str | None, typer.Option("--age", metavar="TIME", help="Keep what came to stand so less than this ago: 180d.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would go, and why the others stay.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    yes: Yes = False,
) -> None:
    """Delete the versions that neither anything needs nor the policy keeps.

    The policy is the loop's keep=hs.Keep(...), or --last and --age. It lists what would go and asks first; --yes does
    not. With hs.Keep in the loop, control does so by itself.
    """
    with errors_shown(as_json):
        from homeostat.control.retention import DELETE, Keep

        kept, found = _retention(home, loop)
        keep = found.keep if last is None and age is None else Keep(last, age)
        plan = kept.plan(found, keep)
        going = [one["version"] for one in plan if one["verdict"] == DELETE]
        if dry_run:
            show(plan, as_json, _planned)
            return
        if going and not yes:
            _planned(plan, aside=True)
            typer.confirm(f"Delete {plural(len(going), 'version')} of {found.name} for good?", abort=True, err=True)
        show(kept.prune(found, keep, person()), as_json, _pruned)


def _retention(home: Path, loop: str | None) -> tuple[Retention, Loop]:
    from homeostat.app.versions.retention import Retention

    operations, found = opened(home, loop)
    return Retention(operations, registry_of(operations.home)), found


def _decided(done: Json) -> None:
    data.print(f"{done['decision']['title']}: {'; '.join(done['decision']['reasons'])}.", markup=False)


def _deleted(done: Json) -> None:
    data.print(f"{done['version']} is deleted; the ledger keeps what it was.", markup=False)


def _pruned(done: list[Json]) -> None:
    for one in done:
        _deleted(one)
    if not done:
        data.print("Nothing to delete: see 'homeostat versions prune --dry-run' for why each version stays.")


def _planned(plan: list[Json], *, aside: bool = False) -> None:
    rows = [[one["version"], one["standing"], when(one["since"]), one["verdict"].lower(), one["why"]] for one in plan]
    if aside:
        for row in rows:
            talk.print("  ".join(row), markup=False)
    else:
        print_table(["version", "standing", "since", "verdict", "why"], rows)
