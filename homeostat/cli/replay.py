"""The command that makes a version again and proves it equal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import errors_shown, headed, show, talk
from homeostat.cli.versions import LinesOption, LoopOption, VersionArgument, print_legs

Json = dict[str, Any]
_WORDS = {"bytes": "is equal", "predictions": "is equal", "different": "is different", "not_run": "was not replayed"}


def replay(
    version: VersionArgument,
    loop: LoopOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    here: Annotated[bool, typer.Option("--here", help="Go on although this environment is another.")] = False,
    build: Annotated[bool, typer.Option("--build", help="Install the recorded environment first.")] = False,
    loop_file: Annotated[
        Path | None, typer.Option("--loop-file", metavar="FILE", help="Train with this loop file's code instead.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Leave what was made in this new folder.")
    ] = None,
    lines: LinesOption = 40,
) -> None:
    """Make a version again from its record, and prove it equal.

    Checks its code out into a private folder, reads the tables as they were known then, and trains in a process of its
    own. Equal is the model to the byte, else its answers to recorded rows within a stated tolerance; what differs is
    told by leg. Where another environment is installed here, it says what is different and stops: --here goes on,
    --build installs the recorded one. Changes nothing. Exit code 3 unless equal.
    """
    with errors_shown(as_json):
        from homeostat.app.home import Home
        from homeostat.app.provenance.replaying import Asked, InAChild, Replayer
        from homeostat.app.provenance.versions import loop_named
        from homeostat.app.settings import Settings
        from homeostat.kernel.errors import InvalidInput

        if keep is not None and keep.exists():
            raise InvalidInput(f"{keep} exists already.", mend="Name a new folder.", folder=str(keep))
        existing = Home(home).existing()
        settings = Settings.load(existing.root)
        train = InAChild(
            settings.training_timeout_seconds,
            settings.join_memory_bytes,
            settings.training_memory_bytes,
            settings.training_threads,
        )
        replayer = Replayer(existing, train, _said)
        found = replayer.replay(loop_named(existing, loop), version, Asked(here, build, loop_file, keep))
        show(found, as_json, lambda told: _told(told, lines))
    if not found["equal"]:
        raise typer.Exit(3)


def _said(text: str) -> None:
    talk.print(f"[dim]{text}[/]" if "[" not in text else text, markup="[" not in text)


def _told(found: Json, lines: int) -> None:
    headed(f"{found['version']} {_WORDS[found['how']]}: ", f"{found['text']}.")
    print_legs(found["legs"], lines, *(["not compared"] if found["how"] == "not_run" else []))
    if found["how"] == "not_run":
        talk.print(_mend(found["legs"]["environment"]["changes"]), markup=False)


def _mend(changes: list[Json]) -> str:
    """Variables are set by whoever asks, that of the time zone among them; all else can be installed."""
    settable = [_variable_of(change) for change in changes]
    names = list(dict.fromkeys(name for name in settable if name is not None))
    told = f"Set {', '.join(names)} as {'it was' if len(names) == 1 else 'they were'}. " if names else ""
    if None in settable:
        return f"{told}Go on in this environment with --here, or install the recorded one with --build."
    return f"{told}Or go on in this environment with --here."


def _variable_of(change: Json) -> str | None:
    if change["what"] == "variable":
        return str(change["name"])
    return "TZ" if (change["what"], change["name"]) == ("platform", "timezone") else None
