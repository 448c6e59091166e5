"""Where alerts go: addresses by environment or by a file that only its owner reads; never shown, never logged."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from homeostat.app.home import Home
from homeostat.data.checks import did_you_mean
from homeostat.kernel.errors import InvalidInput, NotFound

PREFIX = "HOMEOSTAT_ALERTS_"
FILE = f"{PREFIX}FILE"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SCHEME = re.compile(r"[A-Za-z0-9+.-]+://\S+")
_MEND = "Write lines such as: chat = slack://token-a/token-b/token-c"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses by name, in order. What they are appears nowhere but in what sends to them."""

    _urls: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, home: Home, environment: Mapping[str, str]) -> Self:
        """Those of the environment (``HOMEOSTAT_ALERTS_CHAT=...`` is named ``chat``), then those of the file that
        ``HOMEOSTAT_ALERTS_FILE`` names, else of ``addresses`` in the home folder.

        Raises: InvalidInput for a name or an address that cannot be one, a file that is not there or that others may
        read; none of them says what an address is.
        """
        found = {}
        for key, value in environment.items():
            if key.startswith(PREFIX) and key != FILE and value.strip():
                name = key.removeprefix(PREFIX).lower().replace("_", "-")
                found[_named(name, key)] = _address(value.strip(), key)
        return cls({**_of_file(home, environment.get(FILE, "").strip()), **found})

    @classmethod
    def names_known(cls, home: Home, environment: Mapping[str, str]) -> tuple[str, ...]:
        """Names of all addresses; none while they cannot be read, which whoever delivers says."""
        try:
            return cls.read(home, environment).names
        except InvalidInput:
            return ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all addresses."""
        return tuple(sorted(self._urls))

    def url(self, name: str) -> str:
        """The address itself. Raises: NotFound."""
        if name not in self._urls:
            mend = did_you_mean(name, self.names) if self._urls else f"Set {PREFIX}{name.upper().replace('-', '_')}."
            raise NotFound(f"No address is named {name!r}.", mend=mend, name=name)
        return self._urls[name]


def _of_file(home: Home, named: str) -> dict[str, str]:
    path = Path(named) if named else home.addresses
    if not named and not path.exists():
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            lines = file.read().splitlines() if not mode & (stat.S_IRWXG | stat.S_IRWXO) else None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InvalidInput(f"The addresses in {path} cannot be read: {why}.", mend=f"See {FILE}.") from None
    if lines is None:
        raise InvalidInput(f"Others may read the addresses in {path}.", mend=f"Run: chmod 600 {path}")
    return dict(_line(path, number, text) for number, text in enumerate(lines, 1) if _told(text))


def _told(text: str) -> bool:
    return bool(text.strip()) and not text.lstrip().startswith("#")


def _line(path: Path, number: int, text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    where = f"line {number} of {path}"
    if not sign:
        raise InvalidInput(f"In {where} there is no '='.", mend=_MEND)
    return _named(name.strip(), where), _address(value.strip(), where)


def _named(name: str, where: str) -> str:
    """A name that is wrong may be a secret in the wrong place, so it is not repeated."""
    if not _NAME.fullmatch(name):
        mend = f"Use small letters, digits and hyphens, beginning with a letter, at most 32. {_MEND}"
        raise InvalidInput(f"In {where}, the name cannot be one of an address.", mend=mend)
    return name


def _address(value: str, where: str) -> str:
    if not _SCHEME.fullmatch(value):
        raise InvalidInput(f"In {where}, what is given is no address.", mend=_MEND)
    return value
