"""The key under which columns are hashed before they are logged: one for an installation, made at first use."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from homeostat.data.log_policy import LEAST_KEY
from homeostat.kernel.errors import IntegrityError

_BYTES = 32


def log_key(path: Path) -> bytes:
    """The key, the same for every process of a home.

    Raises: IntegrityError when others may read it, or when it is too short to hide anything.
    """
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        mend = f"Run 'chmod 600 {path.name}' in the home folder; whoever read it can find out what was hashed."
        raise IntegrityError(f"Others may read the key {path.name} of the prediction log.", mend=mend)
    key = path.read_bytes()
    if len(key) < LEAST_KEY:
        mend = "Put it back from a backup. Another key works, but the same value is then hashed to something else."
        raise IntegrityError(f"The key {path.name} of the prediction log has {len(key)} bytes.", mend=mend)
    return key


def _make(path: Path) -> None:
    """As a whole and once, whichever process is first."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, secrets.token_bytes(_BYTES))
        os.fsync(handle)
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        os.close(handle)
        part.unlink()
