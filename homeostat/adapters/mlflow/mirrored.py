"""Remembers which aliases MLflow shows, so that it need not be opened, which takes seconds, to see it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Aliases = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The aliases of one loop as last mirrored, in ``file``; they hold until anybody writes to ``database``."""

    file: Path
    database: Path

    def shows(self, aliases: Aliases) -> bool:
        """True when MLflow shows these and nothing was written to its store since they were noted."""
        try:
            return bool(json.loads(self.file.read_bytes()) == self._told(aliases))
        except (OSError, ValueError):
            return False

    def note(self, aliases: Aliases) -> None:
        """Remember that MLflow shows these; a file lost with the power only means that MLflow is asked again."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_name(f"{self.file.name}.part")
        part.write_text(json.dumps(self._told(aliases)))
        os.replace(part, self.file)

    def _told(self, aliases: Aliases) -> dict[str, object]:
        seen = self.database.stat()
        return {"aliases": dict(aliases), "bytes": seen.st_size, "written_at": seen.st_mtime_ns}
