"""The key that signs the ledger's heads, in a file that only its owner reads."""

from __future__ import annotations

import base64
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from homeostat.adapters.signing.secrets import write_secret
from homeostat.kernel.errors import IntegrityError, Unavailable


class Ed25519Signer:
    """Signs with a private key kept in a PEM file; makes the key on first use."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return _load(self._path) if self._path.exists() else _create(self._path)

    def sign(self, message: bytes) -> str:
        """A base64 signature of the message."""
        return base64.b64encode(self._key.sign(message)).decode()

    def verifies(self, message: bytes, signature: str) -> bool:
        """True when the signature was made over this message with this key."""
        try:
            self._key.public_key().verify(base64.b64decode(signature, validate=True), message)
        except (InvalidSignature, ValueError):
            return False
        return True


def _load(path: Path) -> Ed25519PrivateKey:
    try:
        key: object = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        mend = "Mend its rights: decisions are neither written nor proven without it."
        raise Unavailable(f"{path} cannot be read: {error.strerror}.", mend=mend, file=str(path)) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path)
    return key


def _no_key(path: Path) -> IntegrityError:
    mend = "Put it back from a copy: decisions are neither written nor proven without it."
    return IntegrityError(f"{path} holds no Ed25519 private key.", mend=mend, file=str(path))


def _create(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_secret(path, pem)
    return key
