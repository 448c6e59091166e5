"""Signs a version's folder with the OpenSSF library, which anybody can verify with its own command."""

from __future__ import annotations

import os
from pathlib import Path

from homeostat.kernel.errors import Unavailable
from homeostat.registry.manifest import SIGNATURE


def sign_folder(folder: Path, private_key: Path) -> None:
    """Write the signature of every other file of ``folder`` into it, as a whole.

    Imported only now: the library takes half a second and 50 MB, and only who registers a version signs.
    Raises: Unavailable where it cannot be written.
    """
    from model_signing import hashing, signing

    place, part = folder / SIGNATURE, folder.with_name(f".{folder.name}.{os.getpid()}.sig")
    hashed = hashing.Config().set_ignored_paths(paths=[place], ignore_git_paths=False)
    signer = signing.Config().use_elliptic_key_signer(private_key=private_key).set_hashing_config(hashed)
    try:
        signer.sign(folder, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, place)
    except OSError as error:
        mend = "Make room or mend its rights, then try again: nothing was signed."
        raise Unavailable(f"{place} cannot be written: {error.strerror}.", mend=mend, file=str(place)) from error
    finally:
        part.unlink(missing_ok=True)
