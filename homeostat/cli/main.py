"""The commands of Homeostat."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from homeostat.app.processes.garbage import collect_seldom
from homeostat.app.processes.supervisor import ONE_THREAD

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "demo": ("demo:demo",),
    "init": ("init:init",),
    "up": ("run:up",),
    "ci": ("ci:ci",),
    "status": ("operate:status",),
    "route": ("route:route",),
    "latency": ("latency:latency",),
    "performance": ("performance:performance",),
    "slices": ("slices:slices",),
    "economics": ("economics:economics",),
    "diagnose": ("diagnose:diagnose",),
    "backtest": ("backtest:backtest",),
    "explain": ("explain:explain",),
    "why": ("why:why",),
    "impact": ("impact:impact",),
    "report": ("report:report",),
    "skew": ("skew:skew",),
    "drift": ("drift:drift",),
    "rollback": ("operate:rollback",),
    "checkpoints": ("checkpoints:checkpoints",),
    "shadow": ("shadow:shadow",),
    "quantise": ("quantise:quantise",),
    "replay": ("replay:replay",),
    "import": ("importing:import_",),
    "approvals": ("approvals:approvals",),
    "approve": ("approvals:approve",),
    "reject": ("approvals:reject",),
    "versions": (
        "versions:app",
        *("versions_keep:pin", "versions_keep:unpin", "versions_keep:delete", "versions_keep:prune"),
    ),
    "decisions": ("decisions:app",),
    "alerts": ("alerts:app",),
    "consumers": ("consumers:app",),
    "features": (
        "features:app",
        *("features_audit:audit", "features_get:get", "features_rebuild:rebuild", "features_review:review"),
    ),
    "tables": ("tables:app",),
    "quarantine": ("quarantine:app",),
    "contract": ("contract:app",),
    "retrain": ("retrain:app", "training:watch", "training:now"),
    "drill": ("drill:app",),
    "ledger": ("ledger:app",),
    "keys": ("keys:app",),
}
"""Each by its name: the module and the function, or the group and the functions that it gets from other modules."""


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


@app.callback()
def homeostat() -> None:
    """Keep a deployed model right: serve, watch, decide, retrain, prove, roll out, take back."""


def main() -> None:
    """Entry point of the ``homeostat`` command, which shares the machine with serving."""
    for name, number in ONE_THREAD.items():
        os.environ.setdefault(name, number)
    collect_seldom()
    app()


if __name__ == "__main__":
    main()
