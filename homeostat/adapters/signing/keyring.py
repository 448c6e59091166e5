"""The keys whose signatures count, in a folder of their own outside of every home: ``keys.json`` and PEM files."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from homeostat.adapters.signing.secrets import must_be_private, write_secret
from homeostat.kernel.canonical import canonical_json, plain
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, IntegrityError, InvalidInput, NotFound, Refused, Unavailable, Untrusted
from homeostat.registry.bundles import Bundle
from homeostat.registry.manifest import MEND

Standing = Literal["signing", "trusted", "revoked"]
_BOOK = "keys.json"
_FOLDER_MODE = 0o700
_DIGESTS: Mapping[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class Key:
    """A public key. ``id`` is SHA-256 of its PEM form; ``since`` when it came to stand as it does.

    One signs; ``trusted`` ones are believed; what a ``revoked`` one signed is not, whenever it did.
    """

    id: str
    standing: Standing
    since: Instant
    reason: str
    public: str

    @property
    def short(self) -> str:
        """As much of the id as people need."""
        return self.id[:16]


class Keyring:
    """Keys in ``folder``, which need not be there yet. ``required``: versions without a signature are refused.

    Read anew at every question: what is revoked is revoked for every process at once. All raise IntegrityError where
    others than the owner may read or change the keys, and Unavailable where they cannot be read or written.
    """

    def __init__(self, folder: Path, *, required: bool = True) -> None:
        self.folder, self._required = folder, required

    @property
    def required(self) -> bool:
        """Whether versions must be signed."""
        return self._required

    def known(self) -> list[Key]:
        """All keys, oldest first."""
        book = self.folder / _BOOK
        try:
            if not book.exists():
                return []
            must_be_private(self.folder)
            must_be_private(book)
            return msgspec.json.decode(book.read_bytes(), type=dict[Literal["keys"], list[Key]])["keys"]
        except OSError as error:
            raise self._unusable(error) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            mend = "Put it back from a backup, or move the folder away and make new keys with 'homeostat keys init'."
            raise IntegrityError(f"{book} holds no keys.", mend=mend, file=str(book)) from error

    def signing_key(self) -> tuple[Key, Path]:
        """The key that signs, and its private half. Raises: Refused where there is none."""
        found = next((one for one in self.known() if one.standing == "signing"), None)
        if found is None or not self._private(found.id).exists():
            raise Refused(
                f"There is no key to sign with in {self.folder}.",
                mend="Make one with 'homeostat keys init', or with 'homeostat keys rotate' after one was revoked.",
                folder=str(self.folder),
            )
        must_be_private(self._private(found.id))
        return found, self._private(found.id)

    def make(self, now: Instant) -> Key:
        """A new key signs from now on. What the former one signed stays trusted; its private half is removed."""
        private = ec.generate_private_key(ec.SECP256R1())
        form, plainly = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        public = _pem(private.public_key())
        made = Key(_id_of(public), "signing", now, "", public.decode())
        with self._changing() as keys:
            write_secret(self._private(made.id), private.private_bytes(serialization.Encoding.PEM, form, plainly))
            former = [replace(one, standing="trusted", since=now) if one.standing == "signing" else one for one in keys]
            self._write([*former, made])
            for one in keys:
                self._private(one.id).unlink(missing_ok=True)
        return made

    def trust(self, pem: bytes, now: Instant) -> Key:
        """Believe what a key of somebody else signed. Raises: InvalidInput when it is none; Conflict when revoked."""
        public = _pem(_public_key(pem))
        made = Key(_id_of(public), "trusted", now, "", public.decode())
        with self._changing() as keys:
            known = next((one for one in keys if one.id == made.id), None)
            if known is None:
                self._write([*keys, made])
            elif known.standing == "revoked":
                mend = "A revoked key stays revoked: let its owner make a new one."
                raise Conflict(f"Key {known.short} was revoked: {known.reason}.", mend=mend, key=known.id)
        return known or made

    def revoke(self, name: str, reason: str, now: Instant) -> Key:
        """Believe a key no more; ``name`` is its id or how that begins. Revoking again changes nothing.

        Raises: NotFound, Conflict where several begin so.
        """
        with self._changing() as keys:
            found = _named(keys, name)
            if found.standing == "revoked":
                return found
            revoked = replace(found, standing="revoked", since=now, reason=reason)
            self._write([revoked if one.id == found.id else one for one in keys])
            self._private(found.id).unlink(missing_ok=True)
        return revoked

    def signer(self, bundle: Bundle) -> str:
        """The id of the trusted key that made this signature. Raises: Untrusted."""
        found = next((one for one in self.known() if one.id == bundle.hint), None)
        if found is None:
            mend = "If you know whose it is: 'homeostat keys trust FILE' with its public key. Otherwise leave it alone."
            raise _untrusted("it was signed by a key that is not known here", "unknown_key", mend, bundle.hint)
        if found.standing == "revoked":
            mend = "If you know that the version is good all the same: 'homeostat keys sign' it with the present key."
            raise _untrusted(f"its key was revoked: {found.reason or 'no reason'}", "revoked_key", mend, found.id)
        key = _public_key(found.public.encode())
        try:
            key.verify(bundle.signature, bundle.message, ec.ECDSA(_DIGESTS[key.curve.key_size]))
        except InvalidSignature as error:
            raise _untrusted("its signature does not hold", "no_signature", MEND, found.id) from error
        return found.id

    def _private(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def _write(self, keys: list[Key]) -> None:
        write_secret(self.folder / _BOOK, canonical_json({"keys": plain(keys)}))

    @contextmanager
    def _changing(self) -> Iterator[list[Key]]:
        """One change at a time, of whatever process."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
            must_be_private(self.folder)
            with open(self.folder / ".lock", "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield self.known()
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> Unavailable:
        mend = "Make room there, mend its rights, or name another folder with HOMEOSTAT_KEYS."
        return Unavailable(
            f"Keys in {self.folder} cannot be used: {error.strerror}.", mend=mend, folder=str(self.folder)
        )


def _named(keys: list[Key], name: str) -> Key:
    found = [one for one in keys if len(name) >= _SHORTEST and one.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Conflict(f"{len(found)} keys begin with {name!r}.", mend="Give more of the id.", key=name)
    known = ", ".join(one.short for one in keys) or "none"
    mend = f"Give the id, or at least its first {_SHORTEST} characters. There are: {known}."
    raise NotFound(f"There is no key {name!r}.", mend=mend, key=name)


def _public_key(pem: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key: Any = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in ("secp256r1", "secp384r1", "secp521r1"):
        raise InvalidInput(
            "This is no public key that signs models.",
            mend="Give a PEM file with the public half of an elliptic-curve key: P-256, P-384 or P-521.",
        )
    return key


def _pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _id_of(pem: bytes) -> str:
    return hashlib.sha256(pem).hexdigest()


def _untrusted(what: str, reason: str, mend: str, key: str) -> Untrusted:
    return Untrusted(f"{what}.", mend=mend, reason=reason, key=key)
