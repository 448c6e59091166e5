"""Commands about the keys that sign versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.app.versions.registering import registry_of
from homeostat.cli.context import opened, person
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, said
from homeostat.cli.output import data, errors_shown, show, talk, when
from homeostat.cli.tabled import print_table
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.words import plural

if TYPE_CHECKING:
    from homeostat.app.signing.keys import Keys

Json = dict[str, Any]
app = typer.Typer(
    help="Keys that sign versions: make, change, trust and revoke them.", no_args_is_help=True, rich_markup_mode=None
)
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


@app.callback()
def keys() -> None:
    """Keys that sign versions: make, change, trust and revoke them."""


@app.command("init")
def init(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Make the key that signs.

    'homeostat up' and 'demo' do so by themselves where there is none. Keys lie in ~/.config/homeostat/keys, or where
    HOMEOSTAT_KEYS says, outside of the state folder; only their owner may read them.
    """
    with errors_shown(as_json):
        show(_keys(home).init(), as_json, _made)


@app.command("rotate")
def rotate(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Make another key that signs from now on.

    What the former one signed stays trusted, unless it is revoked; its private half is removed.
    """
    with errors_shown(as_json):
        show(_keys(home).rotate(), as_json, _made)


@app.command("list")
def listed(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List the keys whose signatures count, and those that were revoked.

    With how many versions of the state folder each has signed; --json names them and gives the public key.
    """
    with errors_shown(as_json):
        show(_keys(home).listed(), as_json, _listed)


@app.command("trust")
def trust(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="PEM file with somebody else's public key.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Believe the signatures of somebody else's key, too.

    For versions that are signed elsewhere: by a colleague, or by a machine that only trains.
    """
    with errors_shown(as_json):
        if not file.is_file():
            raise InvalidInput(f"There is no file {file}.", mend="Name a PEM file with a public key.", file=str(file))
        show(_keys(home).trust(file), as_json, _made)


@app.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Id of the key, or how it begins.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; told wherever it is refused.", callback=said)
    ],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    yes: Yes = False,
) -> None:
    """Believe a key no more, for good.

    No process loads what it signed from then on; versions that are loaded go on until they are loaded again. Sign
    those that you vouch for with 'homeostat keys sign'. It asks first; --yes does not.
    """
    with errors_shown(as_json):
        known = _keys(home)
        found = known.find(key)
        if found is not None and not yes:
            count = len(found["versions"])
            typer.confirm(
                f"Revoke {_short(found)}, which signed {plural(count, 'version')} here?",
                abort=True,
                err=True,
            )
        show(known.revoke(key, reason), as_json, _revoked)


@app.command("sign")
def sign(
    versions: Annotated[
        list[str] | None, typer.Argument(metavar="VERSION", help="Registered versions, such as v3.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every version that is not loaded as it is.")] = False,
    loop: Annotated[
        str | None, typer.Option("--loop", metavar="LOOP", help="Needed only if the loop file makes several.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; written to the ledger.")] = "",
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    yes: Yes = False,
) -> None:
    """Vouch for versions that were registered without a signature, or whose key was revoked.

    Each is fetched from the registry, held against what was registered, and signed with the present key. Sign only
    what you know: a signature says that somebody does. It asks first; --yes does not.
    """
    with errors_shown(as_json):
        operations, found = opened(home, loop)
        known = _keys(home)
        chosen = list(known.untrusted(found.name)) if every else versions or []
        if not chosen and not every:
            raise InvalidInput("No version was named.", mend="Name versions, such as v3, or give --all.")
        if chosen and not yes:
            typer.confirm(f"Vouch for {', '.join(chosen)} of {found.name}?", abort=True, err=True)
        registry, done = registry_of(operations.home), []
        for name in chosen:
            talk.print(f"signing {name} of {found.name} …", markup=False)
            done.append(known.sign(found.name, name, registry, reason))
        show(done, as_json, _signed)


def _keys(home: Path) -> Keys:
    from homeostat.app.home import Home
    from homeostat.app.signing.keys import Keys
    from homeostat.app.signing.trust import keyring

    return Keys(keyring(), Home(home.resolve()), person())


def _short(key: Json) -> str:
    return str(key["key"])[:16]


def _made(key: Json) -> None:
    data.print(f"{_short(key)} is {key['standing']}. Keys lie in {key['folder']}.", markup=False)


def _revoked(key: Json) -> None:
    data.print(f"{_short(key)} is revoked: {key['reason']}.", markup=False)
    if key["versions"]:
        named = ", ".join(key["versions"])
        data.print(f"It signed {named}: 'homeostat keys sign' those that you vouch for.", markup=False)
    data.print("If it was the key that signs, 'homeostat keys rotate' makes another one.")


def _listed(found: list[Json]) -> None:
    if not found:
        data.print("No keys yet: 'homeostat keys init' makes one, and 'homeostat up' does where there is none.")
        return
    rows = [
        [_short(one), one["standing"], when(one["since"]), str(len(one["versions"])), one["reason"]] for one in found
    ]
    print_table(["key", "standing", "since", "versions here", "reason"], rows, right=["versions here"])


def _signed(done: list[Json]) -> None:
    for one in done:
        data.print(f"{one['version']} of {one['loop']} is signed by {_short(one)}.", markup=False)
    if not done:
        data.print("Every version is signed by a key that counts.")
