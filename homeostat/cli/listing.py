"""Groups of commands that list when none is named."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

_HELP = ("--help", "-h")


class ListByDefault(TyperGroup):
    """``homeostat decisions LOOP`` lists: what is no command is taken for a loop or an option of the list."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The words, with the command that they leave out; two words that begin with none were to be one."""
        named = bool(args) and (args[0] in self.commands or args[0] in _HELP)
        named |= len(args) > 1 and not any(word.startswith("-") for word in args[:2])
        return super().parse_args(ctx, args if named else ["list", *args])
