"""The canonical JSON form of frozen values; its hash is their version."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Turn dataclasses, mappings, tuples and sets into JSON values, recursively.

    >>> plain((1, {"b": 2}))
    [1, {'b': 2}]
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def keys_of_other_kinds(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Where in nested values a key is no text, and what it is: in JSON it is a text like any other.

    Raises: ValueError where two keys of one mapping are the same text, so that one of them would be lost.

    >>> list(keys_of_other_kinds({"weights": {1: 0.5, "two": [{None: 0}]}}))
    [('weights.1', 'int'), ('weights.two[0].None', 'NoneType')]
    """
    if isinstance(value, Mapping):
        first: dict[str, Any] = {}
        for key, item in value.items():
            if str(key) in first:
                raise ValueError(f"keys {first[str(key)]!r} and {key!r} are the same once they are written as texts")
            first[str(key)] = key
            here = f"{path}.{key}" if path else str(key)
            if not isinstance(key, str):
                yield here, type(key).__name__
            yield from keys_of_other_kinds(item, here)
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from keys_of_other_kinds(item, f"{path}[{place}]")


def canonical_json(value: Any) -> bytes:
    """The same bytes for the same meaning: sorted keys, no spaces, no NaN.

    >>> canonical_json({"b": 1, "a": (2,)})
    b'{"a":[2],"b":1}'
    """
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
