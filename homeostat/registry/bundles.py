"""OpenSSF model signatures as they lie beside a version: what was signed, over which bytes, and by which key.

Source: the format of model-signing 1.x, a Sigstore bundle around a DSSE envelope (https://github.com/secure-systems-lab/
dsse) around an in-toto statement v1. It is read here without that library, so that a serving process need not load it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

from homeostat.registry.manifest import SIGNATURE

_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_HASHED = {"method": "files", "hash_type": "sha256"}


class NoBundle(ValueError):
    """These bytes are no signature of a model; the text says why."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A signature as read, with nothing proven yet. ``hint`` names the key: SHA-256 of its PEM form."""

    payload: bytes
    signature: bytes
    hint: str

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Take a bundle apart. Raises: NoBundle."""
        try:
            told = json.loads(content)
            envelope = told["dsseEnvelope"]
            (signature,) = envelope["signatures"]
            if envelope["payloadType"] != _PAYLOAD:
                raise NoBundle(f"it holds {str(envelope['payloadType'])[:60]!r}, not a statement")
            return cls(
                base64.b64decode(envelope["payload"], validate=True),
                base64.b64decode(signature["sig"], validate=True),
                str(told["verificationMaterial"]["publicKey"]["hint"]),
            )
        except NoBundle:
            raise
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise NoBundle("it is no bundle with one key's signature") from error

    @property
    def message(self) -> bytes:
        """The bytes that the signature covers: DSSE's pre-authentication encoding of the payload.

        >>> Bundle(b"{}", b"", "").message
        b'DSSEv1 28 application/vnd.in-toto+json 2 {}'
        """
        return b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD), _PAYLOAD.encode(), len(self.payload), self.payload)

    def files(self) -> dict[str, str]:
        """What the payload says of a folder: SHA-256 of each file by relative path. Believe it once it is proven.

        Raises: NoBundle when it is another statement, contradicts itself, or names a file outside of the folder.
        """
        try:
            told = json.loads(self.payload)
            if (told["_type"], told["predicateType"]) != (_STATEMENT, _PREDICATE):
                raise NoBundle("it is no statement about a model")
            (subject,) = told["subject"]
            hashed: Mapping[str, Any] = told["predicate"]["serialization"]
            if any(hashed[name] != value for name, value in _HASHED.items()):
                raise NoBundle("it does not hash each file by SHA-256")
            found = [_resource(one) for one in told["predicate"]["resources"]]
            root = hashlib.sha256(b"".join(bytes.fromhex(value) for _, value in found)).hexdigest()
            if root != subject["digest"]["sha256"] or len(dict(found)) != len(found):
                raise NoBundle("it contradicts itself")
        except NoBundle:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise NoBundle("its statement cannot be read") from error
        return dict(found)


def hint_of(folder: Path) -> str | None:
    """Which key a version says has signed it; nothing is proven by that."""
    try:
        return Bundle.parse((folder / SIGNATURE).read_bytes()).hint
    except (OSError, NoBundle):
        return None


def _resource(told: Mapping[str, str]) -> tuple[str, str]:
    name, path = told["name"], PurePosixPath(told["name"])
    if told["algorithm"] != "sha256" or path.is_absolute() or ".." in path.parts or str(path) != name:
        raise NoBundle(f"it names {name[:80]!r}, which is no file of a folder")
    return name, told["digest"].lower()
