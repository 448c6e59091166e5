"""Reads a user's loop file: one Python file that makes one or more loops."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from contextlib import redirect_stdout
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from homeostat.app.loops.loop_file import check_loop_file
from homeostat.control.loop import Loop
from homeostat.data.checks import did_you_mean
from homeostat.data.tables import Table
from homeostat.kernel.errors import Conflict, HomeostatError, InvalidInput, NotFound

if TYPE_CHECKING:
    from homeostat.app.settings import Settings


def load_loops(path: Path) -> dict[str, Loop]:
    """Import the file and collect its loops by name.

    Raises: NotFound without the file; InvalidInput when it does not import, makes no loop, or a loop misses
    a part: the message names the line.
    """
    module = _import(path)
    loops = {id(value): value for value in vars(module).values() if isinstance(value, Loop)}
    if not loops:
        raise InvalidInput(
            f"{path} makes no loop.", mend="Assign a homeostat.Loop(...) to a name in it.", file=str(path)
        )
    named: dict[str, Loop] = {}
    for loop in loops.values():
        if loop.name in named:
            raise InvalidInput(
                f"{path} makes two loops named {loop.name!r}.", mend="Give each its own name.", file=str(path)
            )
        named[loop.name] = loop
    _check_tables(path, named)
    return named


def _check_tables(path: Path, loops: dict[str, Loop]) -> None:
    first: dict[str, tuple[str, Table]] = {}
    for loop in loops.values():
        for table in loop.tables:
            name, known = first.setdefault(table.name, (loop.name, table))
            if known != table:
                raise InvalidInput(
                    f"{path}: loops {name!r} and {loop.name!r} read two different tables named {table.name!r}.",
                    mend="Give each its own name, or let both read one definition.",
                    table=table.name,
                )


def load_started(settings: Settings) -> dict[str, Loop]:
    """The loops of a running installation, for one more of its processes.

    Raises: Conflict when the file was edited since: two processes must not disagree on what a feature means.
    """
    loops = load_loops(settings.loop_file)
    for name, started in settings.definitions.items():
        if name not in loops or loops[name].feature_set.hash != started:
            raise Conflict(
                f"The features of loop {name!r} are not those that Homeostat was started with:"
                f" {settings.loop_file} was edited.",
                mend="Stop it and start it again, and all of it runs with the new ones; or put the file back.",
                file=str(settings.loop_file),
                loop=name,
            )
    return loops


def load_loop(path: Path, name: str | None = None) -> Loop:
    """One loop of the file: the named one, or the only one."""
    loops = load_loops(path)
    if name is None and len(loops) == 1:
        return next(iter(loops.values()))
    if name is None:
        raise InvalidInput(
            f"{path} makes {len(loops)} loops, and none was named.",
            mend=f"Name one of {', '.join(sorted(loops))}.",
            file=str(path),
            loops=list(loops),
        )
    if name not in loops:
        raise NotFound(
            f"{path} makes no loop {name!r}.",
            mend=did_you_mean(name, loops),
            file=str(path),
            loops=list(loops),
        )
    return loops[name]


class _Anew(SourceFileLoader):
    """Compiles the file as it is now: kept bytecode is told from it only by its size and the second of its writing."""

    def get_code(self, fullname: str) -> CodeType | None:
        return self.source_to_code(self.get_data(self.path), self.path)


def _import(path: Path) -> ModuleType:
    check_loop_file(path)
    name = f"homeostat_loop_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Anew(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    beside = str(path.resolve().parent)
    if beside not in sys.path:
        sys.path.insert(0, beside)
    try:
        with redirect_stdout(sys.stderr):  # what the file prints is talk: stdout is for data
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _not_importable(path, error) from error
    return module


def _not_importable(path: Path, error: BaseException) -> InvalidInput:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else (lines[-1] if lines else None)
    where = f"{path}, line {line}" if line else str(path)
    if isinstance(error, HomeostatError):
        return InvalidInput(f"{where}: {error.problem}", mend=error.mend, file=str(path), line=line, **error.facts)
    if isinstance(error, TypeError) and "required" in str(error):
        mend = "Give the loop every part it needs: name, question, features, label and train."
    else:
        mend = "Mend the file so that 'python FILE' runs without an error."
    return InvalidInput(
        f"{where} does not import: {type(error).__name__}: {error}.", mend=mend, file=str(path), line=line
    )
