"""Versions as their folders tell them: read once, since a version never changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from homeostat.registry.manifest import MANIFEST, read_manifest
from homeostat.registry.models import Version


@dataclass(slots=True)
class Manifests:
    """Reads the manifests below a folder of versions, without a registry."""

    folder: Path
    _known: dict[tuple[str, str], Version] = field(init=False, default_factory=dict)

    def find(self, loop: str, version: str | None) -> Version | None:
        """The version, if its folder is here."""
        if version is None:
            return None
        if (loop, version) not in self._known and (self.folder / loop / version / MANIFEST).exists():
            self._known[loop, version] = read_manifest(self.folder / loop / version)
        return self._known.get((loop, version))

    def all(self, loop: str) -> dict[str, Version]:
        """Every version whose folder is here, by name."""
        names = [path.parent.name for path in (self.folder / loop).glob(f"v*/{MANIFEST}")]
        return {name: found for name in names if (found := self.find(loop, name))}
