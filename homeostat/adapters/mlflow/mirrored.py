"""Remembers which aliases MLflow shows, so that it need not be opened, which takes seconds, to see it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from homeostat.adapters.mlflow.stores import Store

Aliases = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The aliases of one loop as last mirrored, in ``file``; they hold until anybody writes to ``store``.

    Where that cannot be seen, nothing is remembered.
    """

    file: Path
    store: Store

    def shows(self, aliases: Aliases) -> bool:
        """True when MLflow shows these and nothing was written to its store since they were noted."""
        told = self._told(aliases)
        try:
            return told is not None and bool(json.loads(self.file.read_bytes()) == told)
        except (OSError, ValueError):
            return False

    def note(self, aliases: Aliases) -> None:
        """Remember that MLflow shows these; a file lost with the power only means that MLflow is asked again."""
        told = self._told(aliases)
        if told is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_name(f"{self.file.name}.part")
        part.write_text(json.dumps(told))
        os.replace(part, self.file)

    def _told(self, aliases: Aliases) -> dict[str, object] | None:
        try:
            mark = self.store.mark()
        except FileNotFoundError:
            return None
        return None if mark is None else {"aliases": dict(aliases), **mark}
