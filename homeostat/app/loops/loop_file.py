"""A user's loop file, before anything heavy is imported to read it."""

from __future__ import annotations

from pathlib import Path

from homeostat.kernel.errors import InvalidInput, NotFound


def check_loop_file(path: Path) -> None:
    """Raises: NotFound without the file, InvalidInput for one that is no Python file by its name."""
    if not path.is_file():
        raise NotFound(f"There is no loop file {path}.", mend="Name an existing Python file.", file=str(path))
    if path.suffix != ".py":
        raise InvalidInput(f"{path} is no Python file.", mend="Name a file that ends in .py.", file=str(path))
