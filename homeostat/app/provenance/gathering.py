"""Gathers the code that a model is made with: which files took part, and their contents."""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import homeostat
from homeostat.kernel.errors import InvalidInput
from homeostat.registry.archive import ELSEWHERE, PROJECT, archived
from homeostat.registry.legs import CodeLeg, SourceFile, Tree, Why
from homeostat.registry.manifest import hash_file

MOST_BYTES, MOST_OF_FILE = 32 << 20, 8 << 20
"""Contents beyond these are not kept: the file is then known by its hash alone."""
_INSTALLED = re.compile(r"(^|/)(site-packages|dist-packages|\.venv)(/|$)")
_LIBRARY = [str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib")]
_NOT_OURS = tuple(f"{folder}/" for folder in (*_LIBRARY, str(Path(homeostat.__file__).resolve().parent)))


@dataclass(slots=True)
class _Run:
    """The files whose code has run, in their order; None while nobody watches."""

    files: dict[str, None] | None = None


_RUN = _Run()


@dataclass(slots=True)
class Gathering:
    """Gathers the files of one training. ``project`` is the folder that paths are relative to.

    Read when the loop file is loaded and again when its model is made: what was imported only then counts too, and
    of what was read before the first content is kept, for that is what ran.
    """

    loop_file: Path
    project: Path
    declared: Iterable[str] = ()
    _found: dict[str, tuple[SourceFile, bytes]] = field(init=False, default_factory=dict)
    _origins: dict[str, Path] = field(init=False, default_factory=dict)
    _roots: set[str] = field(init=False, default_factory=set)

    def read(self) -> None:
        """Take in what is loaded by now and was not before.

        Raises: InvalidInput for a declared file that is not there.
        """
        self._take(self.loop_file.resolve(), self._below(self.loop_file.resolve()), "loop")
        for module in list(sys.modules.values()):
            file = source_of(module)
            if file is not None and file != self.loop_file.resolve():
                self._take(file, self._place(module, file), "module")
        known = set(self._origins.values())
        for file in executed():
            if file not in known:
                self._take(file, self._apart(file), "module")
        for file in self._declared():
            self._take(file, self._below(file), "declared")

    def leg(self, train: Callable[..., Any], tree: Tree | None) -> CodeLeg:
        """What was gathered, the largest files without their contents where all are too much."""
        files = [one for one, _ in self._found.values()]
        total = sum(one.bytes for one in files if one.kept)
        for one in sorted(files, key=lambda one: -one.bytes):
            if one.kept and total > MOST_BYTES:
                files[files.index(one)] = replace(one, kept=False)
                total -= one.bytes
        return CodeLeg(
            loop_file=self._below(self.loop_file.resolve()),
            folder=self._folder(),
            roots=tuple(sorted(self._roots)),
            function=f"{getattr(train, '__module__', '')}.{getattr(train, '__qualname__', repr(train))}",
            train=hashlib.sha256(_source(train).encode()).hexdigest(),
            files=tuple(sorted(files, key=lambda one: one.path)),
            tree=tree,
        )

    def archive(self, leg: CodeLeg, diff: bytes | None = None) -> bytes:
        """The contents that the leg keeps as a tar of files named by their hashes; equal contents once, always the
        same bytes. ``diff`` is that of the tree."""
        kept = {one.sha256 for one in leg.files if one.kept}
        contents = {one.sha256: content for one, content in self._found.values() if one.sha256 in kept}
        if diff is not None and leg.tree is not None and leg.tree.kept:
            contents[str(leg.tree.diff)] = diff
        return archived(contents)

    def hashes(self) -> dict[str, str]:
        """The hash of every file that was read by now, by its path here."""
        return {str(self._origins[place]): one.sha256 for place, (one, _) in self._found.items()}

    def paths(self) -> list[str]:
        """The files below the project that took part, relative to it: of a link, what it leads to."""
        real = {file.resolve() for file in self._origins.values()}
        return sorted(file.relative_to(self.project).as_posix() for file in real if file.is_relative_to(self.project))

    def _take(self, file: Path, place: str, why: Why) -> None:
        if place in self._found:
            return
        try:
            size = file.stat().st_size
            content = file.read_bytes() if size <= MOST_OF_FILE else b""
            hashed = hashlib.sha256(content).hexdigest() if content or not size else hash_file(file)
        except OSError:
            return  # what is gone since it was loaded cannot be kept
        self._origins[place] = file
        self._found[place] = (SourceFile(place, hashed, size, why, kept=size <= MOST_OF_FILE), content)

    def _place(self, module: ModuleType, file: Path) -> str:
        """Where a module lies in a checkout; from where it can be imported there is noted."""
        parts = module.__name__.split(".")
        given = Path(os.path.abspath(str(module.__file__)))  # a link is imported by its own name, not its target's
        if given.name.partition(".")[0] == "__init__":
            parts.append("__init__")
        root = given.parents[len(parts) - 1] if len(parts) <= len(given.parents) else given.parent
        if given.with_name(given.name.partition(".")[0]) == root.joinpath(*parts):
            from_root, root = given.relative_to(root), root.resolve()
            if root.is_relative_to(self.project):
                self._roots.add(self._below(root))
                return self._below(root / from_root)
        if file.is_relative_to(self.project):
            return self._below(file)
        self._roots.add(ELSEWHERE)
        return str(PurePosixPath(ELSEWHERE, *parts).with_suffix(file.suffix))

    def _apart(self, file: Path) -> str:
        """Where code lies in a checkout that was run by its path, and is no module by a name."""
        return self._below(file) if file.is_relative_to(self.project) else str(PurePosixPath(ELSEWHERE, file.name))

    def _below(self, file: Path) -> str:
        place = str(PurePosixPath(PROJECT, file.relative_to(self.project).as_posix()))
        try:
            place.encode()
        except UnicodeEncodeError as error:
            mend = "Give it and its folders names that are text in UTF-8."
            problem = f"{place!r} takes part in training, and its name cannot be kept."
            raise InvalidInput(problem, mend=mend, file=repr(place)) from error
        return place

    def _folder(self) -> str:
        here = Path.cwd()
        return self._below(here if here.is_relative_to(self.project) else self.loop_file.resolve().parent)

    def _declared(self) -> Iterator[Path]:
        for pattern in self.declared:
            try:
                near = [file for file in self.loop_file.resolve().parent.glob(pattern) if file.is_file()]
                found = [Path(os.path.normpath(file)) for file in near]  # a link is read by its own name
            except (ValueError, NotImplementedError) as error:
                raise _not_declared(pattern, "is no pattern of files") from error
            if not found:
                raise _not_declared(pattern, "names no file")
            if not all(one.is_relative_to(self.project) for file in found for one in (file, file.resolve())):
                raise _not_declared(pattern, f"leads out of the project, {self.project}")
            yield from found


def project_of(loop_file: Path) -> Path:
    """The user's project: the working tree of git that the loop file lies in, else its folder."""
    folder = loop_file.resolve().parent
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def source_of(module: ModuleType) -> Path | None:
    """The file of a module of the user's; None for one that is built in, installed, or Homeostat's own.

    These belong to the environment.
    """
    return of_the_user(getattr(module, "__file__", None))


def watch_code() -> None:
    """From now on know every file whose code this process runs: ``importlib`` and ``runpy`` may run one that is no
    module by a name, which only Python's own audit tells. Cannot be undone; costs a microsecond a module."""

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "exec" and _RUN.files is not None:
            _RUN.files.setdefault(getattr(arguments[0], "co_filename", ""))

    if _RUN.files is None:
        _RUN.files = {}
        sys.addaudithook(note)


def executed() -> list[Path]:
    """The user's files whose code has run since it was watched."""
    return [file for name in list(_RUN.files or ()) if (file := of_the_user(name)) is not None]


def of_the_user(file: str | None) -> Path | None:
    """A file as it lies, where it is the user's; None where it is not there, installed, or Homeostat's own."""
    if not file or _INSTALLED.search(file) or file.startswith(_NOT_OURS):
        return None
    path = Path(file).resolve()
    if _INSTALLED.search(path.as_posix()) or str(path).startswith(_NOT_OURS):
        return None
    return path if path.is_file() else None


def code_hash(loop_file: Path, train: Callable[..., Any]) -> str:
    """The hash of the code that is loaded now."""
    gathered = Gathering(loop_file, project_of(loop_file))
    gathered.read()
    return gathered.leg(train, None).hash


def _source(train: Callable[..., Any]) -> str:
    """The function's source where Python can find it, else its qualified name."""
    try:
        return inspect.getsource(train)
    except (OSError, TypeError):
        return f"{getattr(train, '__module__', '')}.{getattr(train, '__qualname__', '')}"


def _not_declared(pattern: str, what: str) -> InvalidInput:
    mend = "Give files= paths or patterns relative to the loop file, such as 'queries/*.sql'."
    return InvalidInput(f"The declared file {pattern!r} {what}.", mend=mend, pattern=pattern)
