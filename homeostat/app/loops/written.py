"""What the user has written, as it is loaded now: whether it is other than it was."""

from __future__ import annotations

import sys
from pathlib import Path

from homeostat.app.provenance.gathering import project_of, source_of
from homeostat.kernel.canonical import digest
from homeostat.registry.manifest import hash_file


def project_hash(loop_file: Path) -> str:
    """The hash of a loop file and of every module of its project that is loaded here, wherever the project lies."""
    project = project_of(loop_file)
    loaded = {file for module in list(sys.modules.values()) if (file := source_of(module)) is not None}
    files = {loop_file.resolve(), *(file for file in loaded if file.is_relative_to(project))}
    return digest(sorted(hash_file(file) for file in files if file.is_file()))
