"""Outcomes of steps on disk: one folder each, whole or absent, the least recently used removed beyond a bound."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from homeostat.kernel.canonical import canonical_json, digest
from homeostat.training.steps import Past

_PAST, _PART = "past.json", ".part"


@dataclass(frozen=True, slots=True)
class StepFolder:
    """A ``StepStore`` in ``folder``, of at most ``limit`` bytes; several processes and threads may use it at once.

    What another ``release`` of the steps' own code kept is not found.
    """

    folder: Path
    limit: int
    release: str = ""

    def find(self, key: str) -> Past | None:
        """What a step with this key came to; its being used is noted."""
        try:
            past = Past.from_json(json.loads((self._place(key) / _PAST).read_bytes()))
            os.utime(self._place(key))
        except (OSError, ValueError, TypeError):
            return None
        return past

    def keep(self, key: str, past: Past, write: Mapping[str, Callable[[Path], None]]) -> None:
        """Write beside, then move into place. What is larger than the bound is not kept. Raises: OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = self._place(key)
        part = place.with_name(f"{place.name}.{threading.get_ident()}.{os.getpid()}{_PART}")
        try:
            part.mkdir()
            for output, written in write.items():
                written(part / output)
            (part / _PAST).write_bytes(canonical_json(past))
            shutil.rmtree(place, ignore_errors=True)
            _move(part, place)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self.prune()

    def file(self, key: str, output: str) -> Path:
        """Where an output of a kept outcome lies."""
        return self._place(key) / output

    def prune(self) -> list[str]:
        """Remove the least recently used beyond the bound, and what a killed process left; their names."""
        found = sorted(self._used(), reverse=True)
        room, gone = self.limit, []
        for _, name, size in found:
            room -= size
            if room < 0 or (name.endswith(_PART) and not _alive(name)):
                shutil.rmtree(self.folder / name, ignore_errors=True)
                gone.append(name)
        return gone

    def _place(self, key: str) -> Path:
        return self.folder / digest([self.release, key])

    def _used(self) -> list[tuple[int, str, int]]:
        found = []
        for place in self.folder.iterdir():
            try:
                size = sum(file.stat().st_size for file in place.iterdir())
                found.append((place.stat().st_mtime_ns, place.name, size))
            except OSError:
                continue
        return found


def _move(part: Path, place: Path) -> None:
    """Where somebody else was faster, theirs is as good."""
    try:
        part.rename(place)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise


def _alive(part: str) -> bool:
    try:
        os.kill(int(part.removesuffix(_PART).rpartition(".")[2]), 0)
    except (OSError, ValueError):
        return False
    return True
