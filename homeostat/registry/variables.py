"""Variables of the environment that a training read: enough of each to tell whether it is the same, and no more."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

_SECRETS = re.compile(
    "(?i)passw(or)?d|passphrase|secret|credential|(^|_)(pass|pwd|tokens?|(api|access|private)_?key)(_|$)"
)
_COST = {"n": 1 << 14, "r": 8, "p": 1}
"""16 MiB and some 40 ms a guess."""


@dataclass(frozen=True, slots=True)
class Variable:
    """Whether a variable ``is_set``, and to what, as far as that may be told.

    ``digest`` is of its value, as passwords are kept: whoever reads it must guess the value, and each guess is dear. It
    is None of what is not set, and of a variable whose name says that it opens a door: what it holds decides no model,
    is renewed, and may be short. ``value`` is there where the loop declares the variable.
    """

    is_set: bool
    digest: str | None = None
    value: str | None = None

    @classmethod
    def of(cls, name: str, value: str | None, *, declared: bool = False) -> Self:
        """A variable as it is.

        >>> Variable.of("ALPHA", None), Variable.of("DB_PASSWORD", "1234").digest
        (Variable(is_set=False, digest=None, value=None), None)
        """
        if value is None:
            return cls(is_set=False)
        if declared:
            return cls(True, _digest(name, value), value)
        return cls(True, None if opens_a_door(name) else _digest(name, value))

    @property
    def identity(self) -> str:
        """Equal where the variable is the same, declared or not."""
        return self.digest or ("set" if self.is_set else "not set")

    def same(self, other: Self) -> bool:
        """Whether they are known to be the same, or at least not known to differ."""
        known = self.digest is not None and other.digest is not None
        return self.digest == other.digest if known else self.is_set == other.is_set


Variables = Mapping[str, Variable]


def variables_told(told: Mapping[str, Mapping[str, Any]] | None) -> Variables | None:
    """Read what canonical JSON kept; None where a version of an older release did not record them."""
    return None if told is None else {name: Variable(**one) for name, one in told.items()}


def opens_a_door(name: str) -> bool:
    """Whether a variable's name says that it holds a secret.

    >>> opens_a_door("DB_PASSWORD"), opens_a_door("REGION")
    (True, False)
    """
    return _SECRETS.search(name) is not None


@cache
def _digest(name: str, value: str) -> str:
    return hashlib.scrypt(value.encode(errors="surrogateescape"), salt=name.encode(), dklen=32, **_COST).hex()
