"""What the user has written, as it is loaded now: whether it is other than it was."""

from __future__ import annotations

import sys
from pathlib import Path

from homeostat.app.provenance.gathering import source_of
from homeostat.kernel.canonical import digest
from homeostat.registry.manifest import hash_file


def code_hash(loop_file: Path) -> str:
    """The hash of a loop file and of every module of the user's that is loaded here, wherever they lie."""
    loaded = {file for module in list(sys.modules.values()) if (file := source_of(module)) is not None}
    return digest(sorted(hash_file(file) for file in {loop_file.resolve(), *loaded} if file.is_file()))
