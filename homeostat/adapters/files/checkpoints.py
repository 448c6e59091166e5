"""Checkpoints on disk: one folder each, whole or absent, a bounded number of them, one writer at a time."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from homeostat.adapters.files.folders import (
    Contents,
    Say,
    contents_of,
    copy_folder,
    differences,
    flush_files,
    flush_folder,
)
from homeostat.control.checkpoints import Checkpoint
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import HomeostatError, IntegrityError, NotFound

FILES, FACTS, MANIFEST, _PART = "files", "checkpoint.json", "manifest.json", ".part"
_MEND = "Name an intact one; 'homeostat checkpoints LOOP --verify' tells which are."


class CheckpointStore:
    """The checkpoints of one loop, in ``folder``."""

    def __init__(self, folder: Path, loop: str) -> None:
        self._folder, self._loop = folder, loop

    def all(self) -> list[Checkpoint]:
        """What is kept, oldest first; what is no checkpoint is left out. Fast, however many files each has."""
        names = [place.name for place in self._folder.glob("c*") if place.name[1:].isdecimal()]
        found = []
        for name in sorted(names, key=lambda name: int(name[1:])):
            try:
                found.append(self._facts(name))
            except (HomeostatError, TypeError):
                continue
        return found

    def take(
        self, fill: Callable[[Path], object], *, version: str, generation: int, at: Instant, because: str
    ) -> Checkpoint:
        """Keep what ``fill`` makes of a new folder; the one that was taken ``because`` of the same, where there is one.

        Either all of it is kept, on disk, or nothing. Raises: what ``fill`` raises; Refused for links in it.
        """
        with self.alone():
            for known in self.all():
                if because and known.because == because:
                    return known
            part = self._folder / _PART
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            fill(part / FILES)
            flush_files(part / FILES)
            contents = contents_of(part / FILES)
            facts = (version, generation, at, because, len(contents.files), contents.size, contents.hash)
            taken = Checkpoint(f"c{self.newest() + 1}", self._loop, *facts)
            _write(part / FACTS, plain(taken))
            _write(part / MANIFEST, contents.to_json())
            flush_folder(part)
            os.rename(part, self._folder / taken.id)
            flush_folder(self._folder)
            return taken

    def newest(self) -> int:
        """The number of the newest one, readable or not; 0 before the first."""
        numbers = [int(place.name[1:]) for place in self._folder.glob("c*") if place.name[1:].isdecimal()]
        return max(numbers, default=0)

    def problems(self, checkpoint: str, due: str) -> list[str]:
        """What of a checkpoint is not as it was taken, when its content had the hash ``due``."""
        try:
            told, contents = self._read(checkpoint)
            if due not in (told.hash, "") or contents.hash != told.hash:
                return ["its manifest was changed"]
            return differences(contents_of(self._folder / checkpoint / FILES), contents)
        except HomeostatError as error:
            return [error.problem]

    def copy_out(self, checkpoint: str, due: str, target: Path, say: Say | None = None) -> None:
        """A verified copy of a checkpoint's files. Raises: NotFound, IntegrityError when it is not what was taken."""
        told, contents = self._read(checkpoint)
        if due not in (told.hash, "") or contents.hash != told.hash:
            raise IntegrityError(f"The manifest of checkpoint {checkpoint} was changed.", mend=_MEND)
        shutil.rmtree(target, ignore_errors=True)
        copy = _copied(self._folder / checkpoint / FILES, target, say)
        problems = differences(copy, contents)
        if problems:
            shutil.rmtree(target, ignore_errors=True)
            raise IntegrityError(
                f"Checkpoint {checkpoint} is damaged: {'; '.join(problems[:5])}.", mend=_MEND, checkpoint=checkpoint
            )

    def prune(self, keep: int, versions: Collection[str], spare: Collection[str] = ()) -> list[str]:
        """Keep the newest ``keep``, the newest of each of these versions, and ``spare``; the ids of those that went."""
        known = self.all()
        newest = {one.version: one.id for one in known if one.version in versions}
        stay = {*newest.values(), *spare}
        gone = [one.id for one in known[: max(0, len(known) - keep)] if one.id not in stay]
        for name in gone:
            shutil.rmtree(self._folder / name, ignore_errors=True)
        return gone

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else takes a checkpoint of the loop, or puts one back, meanwhile."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self._folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _facts(self, checkpoint: str) -> Checkpoint:
        return Checkpoint(**_json(self._folder / checkpoint / FACTS, checkpoint))

    def _read(self, checkpoint: str) -> tuple[Checkpoint, Contents]:
        path = self._folder / checkpoint / MANIFEST
        try:
            return self._facts(checkpoint), Contents.from_json(_json(path, checkpoint))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unreadable(path, checkpoint) from error


def _json(path: Path, checkpoint: str) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFound(f"There is no checkpoint {checkpoint} here.", mend=_MEND, checkpoint=checkpoint) from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, checkpoint) from error
    if not isinstance(told, dict):
        raise _unreadable(path, checkpoint)
    return told


def _unreadable(path: Path, checkpoint: str) -> IntegrityError:
    return IntegrityError(f"{path} is not what was written.", mend=_MEND, checkpoint=checkpoint)


def _write(path: Path, value: object) -> None:
    with path.open("w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())


def _copied(source: Path, target: Path, say: Say | None) -> Contents:
    """Byte by byte: a database in a checkpoint is a file like any other."""
    return copy_folder(source, target, say, databases=False)
