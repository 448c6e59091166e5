"""Signs versions that are about to be registered, or that somebody vouches for."""

from __future__ import annotations

from pathlib import Path

from homeostat.adapters.signing.keyring import Keyring
from homeostat.adapters.signing.openssf import sign_folder
from homeostat.kernel.errors import Untrusted
from homeostat.registry.manifest import SIGNATURE, verify_files
from homeostat.registry.models import Version
from homeostat.registry.sealed import Sealed, open_sealed


def sign(version: Version, folder: Path, keys: Keyring) -> Sealed:
    """Sign the folder in which a version was staged; one whose signature holds stays as it is.

    It runs where no function of the user's does, so that the private key is never where they are.
    Raises: IntegrityError when the folder is not what the version says; Refused where there is no key to sign with;
    Unavailable where the signature cannot be written.
    """
    verify_files(version, folder)
    if not (folder / SIGNATURE).exists() or not _holds(version, folder, keys):
        _, private = keys.signing_key()
        sign_folder(folder, private)
    return open_sealed(folder, version.loop, version.version, keys)


def _holds(version: Version, folder: Path, keys: Keyring) -> bool:
    try:
        open_sealed(folder, version.loop, version.version, keys)
    except Untrusted:
        return False
    return True
