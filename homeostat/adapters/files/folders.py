"""Copies of folders that somebody may be writing to: consistent, hashed, on disk, or refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from homeostat.kernel.errors import HomeostatError, Refused, Unavailable
from homeostat.registry.manifest import hash_file

TRIES = 3
_MAGIC = b"SQLite format 3\x00"
_COMPANIONS = ("-wal", "-shm", "-journal")
_CHUNK = 1 << 20
_BUSY_SECONDS, _BUSY_TRIES = 1.0, 20
Say = Callable[[int, int], None]
"""Is told how many bytes are copied, of how many."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a folder holds: of each file its SHA-256, size and mode, of each folder below it the mode."""

    files: Mapping[str, tuple[str, int, int]]
    folders: Mapping[str, int]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for _, size, _ in self.files.values())

    @property
    def hash(self) -> str:
        """Covers every name, mode and byte. Names may hold any bytes that a file's name may."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """JSON values only; ``from_json`` reads them back."""
        return {"files": {name: list(told) for name, told in self.files.items()}, "folders": dict(self.folders)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Contents:
        """Read what ``to_json`` wrote; raises KeyError, TypeError or ValueError for anything else."""
        files = {name: (str(one[0]), int(one[1]), int(one[2])) for name, one in told["files"].items()}
        return cls(files, dict(told["folders"]))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A folder at a glance; ``stamps`` change when a file that is copied byte by byte is written to."""

    folders: Mapping[str, int]
    stamps: Mapping[str, tuple[int, int, int, int]]
    databases: frozenset[str]
    size: int


def copy_folder(source: Path, target: Path, say: Say | None = None, *, databases: bool = True) -> Contents:
    """Copy ``source`` to the new folder ``target`` as it was at one moment, and flush it to disk.

    SQLite files are copied by SQLite, so that writers go on, unless ``databases`` is false. While other files change,
    it is tried again, a few times.
    Raises: Refused for what is neither file nor folder; Unavailable when it kept changing or the disk refuses.
    """
    for _ in range(TRIES):
        try:
            before = _look(source, databases)
            _must_fit(before, target.parent)
            _copy(source, target, before, say or (lambda done, of: None))
            if _look(source, databases).stamps == before.stamps:
                return contents_of(target)
        except FileNotFoundError:
            pass  # something went while it was copied
        except OSError as error:
            raise _unreadable(source, error) from error
        shutil.rmtree(target, ignore_errors=True)
    raise Unavailable(
        f"{source} was written to each of {TRIES} times that it was copied, or is not there.",
        mend="Keep what changes all the time in SQLite, or declare hs.State(checkpoint=...) that can stop its writer.",
        folder=str(source),
    )


def contents_of(folder: Path) -> Contents:
    """What a folder that nobody writes to holds. Raises: Refused for what is neither file nor folder; Unavailable."""
    try:
        files, folders = {}, {}
        for name, place in _walk(folder):
            mode = stat.S_IMODE(place.lstat().st_mode)
            if place.is_dir():
                folders[name] = mode
            else:
                files[name] = (hash_file(place), place.lstat().st_size, mode)
    except OSError as error:
        raise _unreadable(folder, error) from error
    return Contents(files, folders)


def differences(found: Contents, due: Contents) -> list[str]:
    """What is missing, changed or too much, one line each."""
    there: dict[str, object] = {**found.files, **found.folders}
    told: dict[str, object] = {**due.files, **due.folders}
    problems = [f"{name!r} is missing" for name in sorted(told.keys() - there.keys())]
    problems += [f"{name!r} was not in it" for name in sorted(there.keys() - told.keys())]
    return problems + [
        f"{name!r} was changed" for name in sorted(told.keys() & there.keys()) if told[name] != there[name]
    ]


def flush_files(folder: Path) -> None:
    """Force whatever somebody wrote below a folder to disk. Raises: Refused for what is neither file nor folder."""
    for _, place in _walk(folder):
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Force the entries of a folder to disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file and folder below, parents first, by its relative name; nothing is followed out of it."""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                place = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(place)
                elif not entry.is_file(follow_symlinks=False):
                    raise _no_file(place, "a symbolic link" if entry.is_symlink() else "no plain file")
                yield str(place.relative_to(folder)), place


def _look(source: Path, open_databases: bool) -> _Seen:
    if source.is_symlink():
        raise _no_file(source, "a symbolic link")
    folders, stamps, databases, size = {}, {}, set(), 0
    places = dict(_walk(source))
    for name, place in places.items():
        told = place.lstat()
        if stat.S_ISDIR(told.st_mode):
            folders[name] = stat.S_IMODE(told.st_mode)
            continue
        size += told.st_size
        stamps[name] = (told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
        if open_databases and _is_database(place):
            databases.add(name)
    beside = {f"{name}{ending}" for name in databases for ending in _COMPANIONS}
    own = {name: stamp for name, stamp in stamps.items() if name not in beside}
    plain = {name: (0, 0, 0, 0) if name in databases else stamp for name, stamp in own.items()}
    return _Seen(folders, plain, frozenset(databases), size)


def _copy(source: Path, target: Path, seen: _Seen, say: Say) -> None:
    target.mkdir(mode=0o700)
    done = 0
    for name in seen.folders:
        (target / name).mkdir(parents=True, exist_ok=True)
    for name in seen.stamps:
        if name not in seen.databases or not _copy_database(source / name, target / name):
            _copy_file(source / name, target / name)
        shutil.copymode(source / name, target / name, follow_symlinks=False)
        done += (target / name).stat().st_size
        say(min(done, seen.size), seen.size)
    for name, mode in reversed(list(seen.folders.items())):
        (target / name).chmod(mode | stat.S_IRWXU)
        flush_folder(target / name)
    flush_folder(target)


def _copy_file(source: Path, target: Path) -> None:
    handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as read, target.open("xb") as write:
        shutil.copyfileobj(read, write, _CHUNK)
        write.flush()
        os.fsync(write.fileno())


def _is_database(place: Path) -> bool:
    with open(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _copy_database(source: Path, target: Path) -> bool:
    """Through SQLite, which sees whole transactions only; False for what is none though it begins like one."""
    place = f"file:{quote(os.fsencode(source.absolute()))}?mode=rw"
    try:
        read = sqlite3.connect(place, uri=True, timeout=_BUSY_SECONDS)
        with closing(read), closing(sqlite3.connect(target)) as write:
            read.backup(write, progress=_patience())
    except sqlite3.OperationalError as error:
        raise Unavailable(
            f"The database {source} cannot be copied: {error}.", mend="Let its writer go on, then try again."
        ) from error
    except sqlite3.DatabaseError:
        target.unlink(missing_ok=True)
        return False
    handle = os.open(target, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return True


def _patience() -> Callable[[int, int, int], None]:
    """A writer that holds the whole database is waited for, some seconds; SQLite itself would wait for ever."""
    busy = 0

    def look(status: int, remaining: int, total: int) -> None:
        nonlocal busy
        busy += status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if busy > _BUSY_TRIES:
            raise sqlite3.OperationalError("database is locked")

    return look


def _must_fit(seen: _Seen, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if seen.size >= free:
        raise Unavailable(
            f"A copy of {seen.size} bytes does not fit into the {free} that are free at {folder}.",
            mend="Make room there, or keep fewer checkpoints.",
            size=seen.size,
            free=free,
        )


def _no_file(place: Path, what: str) -> HomeostatError:
    mend = "Keep only files and folders there; a link leads to what no checkpoint holds."
    return Refused(f"{place} is {what}.", mend=mend, file=str(place))


def _unreadable(folder: Path, error: OSError) -> Unavailable:
    where = error.filename if isinstance(error.filename, str) else str(folder)
    return Unavailable(
        f"{where} cannot be copied: {error.strerror}.", mend="Give access to it and make room, then try again."
    )
