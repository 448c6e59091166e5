"""The commands of Homeostat."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from homeostat.app.processes.threads import ONE_THREAD

SECTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Start": {
        "demo": ("demo:demo",),
        "init": ("init:init",),
        "up": ("run:up",),
        "import": ("importing:import_",),
        "ci": ("ci:ci",),
    },
    "Where it stands": {
        "status": ("operate:status",),
        "alerts": ("alerts:app",),
        "decisions": ("decisions:app",),
        "route": ("route:route",),
        "latency": ("latency:latency",),
    },
    "How right it is": {
        "report": ("report:report",),
        "performance": ("performance:performance",),
        "slices": ("slices:slices",),
        "drift": ("drift:drift",),
        "skew": ("skew:skew",),
        "diagnose": ("diagnose:diagnose",),
        "economics": ("economics:economics",),
        "backtest": ("backtest:backtest",),
    },
    "Why": {
        "why": ("why:why",),
        "explain": ("explain:explain",),
        "impact": ("impact:impact",),
    },
    "Act": {
        "rollback": ("operate:rollback",),
        "drill": ("drill:app",),
        "approvals": ("approvals:approvals",),
        "approve": ("approvals:approve",),
        "reject": ("approvals:reject",),
        "retrain": ("retrain:app", "training:watch", "training:now"),
        "shadow": ("shadow:shadow",),
        "quantise": ("quantise:quantise",),
        "checkpoints": ("checkpoints:checkpoints",),
    },
    "Data": {
        "tables": ("tables:app",),
        "contract": ("contract:app",),
        "quarantine": ("quarantine:app",),
        "features": (
            "features:app",
            *("features_audit:audit", "features_get:get", "features_rebuild:rebuild", "features_review:review"),
        ),
        "consumers": ("consumers:app",),
    },
    "On record": {
        "versions": (
            "versions:app",
            *("versions_keep:pin", "versions_keep:unpin", "versions_keep:delete", "versions_keep:prune"),
        ),
        "replay": ("replay:replay",),
        "ledger": ("ledger:app",),
        "keys": ("keys:app",),
    },
}
"""Each by its name: the module and the function, or the group and the functions that it gets from other modules."""
COMMANDS = {name: places for section in SECTIONS.values() for name, places in section.items()}


class Commands(TyperGroup):
    """Imports the command that is asked for, and no other."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; None where there is none, and then all are there to be suggested."""
        for name in [cmd_name] if cmd_name in COMMANDS else COMMANDS:
            if name not in self.commands:
                self.commands[name] = _made(name, *COMMANDS[name])
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write them by what one wants to do, each in one line."""
        longest = max(map(len, COMMANDS))
        room = formatter.width - longest - 4
        for title, names in SECTIONS.items():
            with formatter.section(title):
                made = {name: self.get_command(ctx, name) for name in names}
                formatter.write_dl([(name.ljust(longest), one.get_short_help_str(room)) for name, one in made.items()])


@cache
def _made(name: str, first: str, *others: str) -> Any:
    found = _at(first)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        alone.command(name)(found)
        return typer.main.get_command(alone)
    for other in others:
        found.command(other.partition(":")[2])(_at(other))
    group = typer.main.get_group(found)
    group.name = name
    return group


def _at(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"homeostat.cli.{module}"), name)


app = typer.Typer(
    cls=Commands,
    name="homeostat",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every command takes --json: stdout is then data and nothing else; talk and errors go to stderr. Exit"
    " codes: 0 done, 1 an error that says its mend, 2 wrong usage, 3 a check found a problem, 130 interrupted.",
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"homeostat {version('homeostat')}")
        raise typer.Exit


@app.callback()
def homeostat(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Keep a deployed model right: serve, watch, decide, retrain, prove, roll out, take back."""


def main() -> None:
    """Entry point of the ``homeostat`` command, which shares the machine with serving."""
    for name, number in ONE_THREAD.items():
        os.environ.setdefault(name, number)
    app()


if __name__ == "__main__":
    main()
