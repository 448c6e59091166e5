"""Where a loop's folder of state may lie: by itself, since it is replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.app.home import Home
from homeostat.control.loop import Loop
from homeostat.control.versioned_state import StateFolder
from homeostat.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from homeostat.app.settings import Settings


def check_state_places(settings: Settings, loops: Mapping[str, Loop]) -> None:
    """Raises: InvalidInput for a loop whose folder cannot be replaced by itself, or two with one folder."""
    taken: dict[Path, str] = {}
    for name, loop in loops.items():
        place = place_of(loop, settings.loop_file)
        if place is None:
            continue
        check_place(name, place, settings.paths, settings.loop_file)
        for other, of in taken.items():
            if place.resolve().is_relative_to(other) or other.is_relative_to(place.resolve()):
                raise InvalidInput(
                    f"Loops {of!r} and {name!r} keep their state in one folder, {place}.",
                    mend="Give each a folder of its own.",
                )
        taken[place.resolve()] = name


def place_of(loop: Loop, loop_file: Path) -> Path | None:
    """The folder that a loop declares, beside its file where it is relative; None where it declares none."""
    return loop_file.absolute().parent / loop.state.path if isinstance(loop.state, StateFolder) else None


def check_place(loop: str, place: Path, home: Home, loop_file: Path) -> None:
    """Raises: InvalidInput where the folder would take the home or the loop file with it, or is a link."""
    real, root = place.resolve(), home.root.resolve()
    if real.is_relative_to(root) or any(one.is_relative_to(real) for one in (root, loop_file.resolve())):
        raise InvalidInput(
            f"Loop {loop!r}: its state {real} lies in Homeostat's home, or holds that or the loop file.",
            mend="Give state= a folder of its own: it is replaced as a whole.",
            folder=str(real),
        )
    if place.is_symlink():
        raise InvalidInput(f"Loop {loop!r}: {place} is a symbolic link.", mend="Name the folder it leads to.")
