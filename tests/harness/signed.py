"""Signatures as any tool of OpenSSF would write them, made by hand: forgeries too, and without loading its library."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from homeostat.app.signing.trust import keyring

SIGNATURE = "model.sig"
TYPE = "application/vnd.in-toto+json"
PrivateKey = ec.EllipticCurvePrivateKey


def signing_key() -> PrivateKey:
    """The key that this test run's installation signs with."""
    _, path = keyring().signing_key()
    key = load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def sign(
    folder: Path, key: PrivateKey | None = None, *, files: Mapping[str, str] | None = None, **changes: Any
) -> None:
    """Sign what lies in ``folder``, or what ``files`` claims; ``changes`` go into the statement."""
    told = hashed(folder) if files is None else files
    body = json.dumps({**statement(told), **changes}).encode()
    (folder / SIGNATURE).write_text(json.dumps(bundle(body, key or signing_key())))


def hashed(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but the signature."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SIGNATURE)
    return {one.relative_to(folder).as_posix(): hashlib.sha256(one.read_bytes()).hexdigest() for one in found}


def statement(files: Mapping[str, str]) -> dict[str, Any]:
    """The in-toto statement about these files."""
    root = hashlib.sha256(b"".join(bytes.fromhex(value) for value in files.values())).hexdigest()
    resources = [{"name": name, "algorithm": "sha256", "digest": value} for name, value in files.items()]
    serialization = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": [SIGNATURE]}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": root}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {"serialization": serialization, "resources": resources},
    }


def bundle(body: bytes, key: PrivateKey) -> dict[str, Any]:
    """The Sigstore bundle around a payload that ``key`` signs."""
    message = b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(body), body)
    signature = key.sign(message, ec.ECDSA(hashes.SHA256()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": hashlib.sha256(public).hexdigest()}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(body).decode(),
            "payloadType": TYPE,
            "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
        },
    }


class Lying:
    """A registry whose versions are what lies in the home."""

    def __init__(self, versions: Path) -> None:
        self.versions = versions

    def countersign(self, loop: str, version: str, sign: Callable[[Path], None]) -> None:
        (self.versions / loop / version / SIGNATURE).unlink(missing_ok=True)
        sign(self.versions / loop / version)
