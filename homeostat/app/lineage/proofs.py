"""Whether a version's folder is what somebody trusted has signed, looked at now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from homeostat.adapters.signing.keyring import Keyring
from homeostat.kernel.errors import HomeostatError
from homeostat.registry.bundles import hint_of
from homeostat.registry.sealed import open_sealed

Json = dict[str, Any]


def proof_of(folder: Path, loop: str, version: str, keys: Keyring) -> Json:
    """Whether the version in ``folder`` is proven now, and by which key; else what its signature says, and why not."""
    try:
        key = open_sealed(folder, loop, version, keys).signer
    except HomeostatError as error:
        return {"proven": False, "problem": error.problem, "mend": error.mend, "key": hint_of(folder)}
    return {"proven": True, "problem": None, "mend": None, "key": key}
