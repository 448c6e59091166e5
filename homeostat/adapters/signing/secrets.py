"""Files that only their owner may read, written as a whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from homeostat.kernel.errors import IntegrityError


def write_secret(path: Path, content: bytes) -> None:
    """Replace a file by one of mode 0600; a reader sees the old or the new one, also after a power loss."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def must_be_private(path: Path) -> None:
    """Raises: IntegrityError where others than its owner, who is us, may read or change it."""
    found = path.stat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise IntegrityError(
            f"Others than you may read or change {path}.",
            mend=f"Run 'chmod go= {path}' as its owner; if somebody may have read it, 'homeostat keys rotate' after.",
            file=str(path),
        )
