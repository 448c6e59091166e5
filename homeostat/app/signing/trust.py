"""Where keys lie and whether versions must be signed: told by the environment, never by a home, whose files are what
signatures protect."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from homeostat.adapters.signing.keyring import Key, Keyring
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import InvalidInput

KEYS = "HOMEOSTAT_KEYS"
SIGNATURES = "HOMEOSTAT_SIGNATURES"
REQUIRE, WARN = "require", "warn"


def keyring(environment: Mapping[str, str] = os.environ) -> Keyring:
    """The keys of this installation: in the folder that HOMEOSTAT_KEYS names, else in the user's configuration.

    Raises: InvalidInput when HOMEOSTAT_SIGNATURES is neither "require" nor "warn".
    """
    told = environment.get(SIGNATURES) or REQUIRE
    if told not in (REQUIRE, WARN):
        raise InvalidInput(f"{SIGNATURES}={told} is no choice.", mend=f"Give {REQUIRE} or {WARN}.")
    return Keyring(_folder(environment), required=told == REQUIRE)


def prepared(keys: Keyring, home: Path, now: Instant) -> Key | None:
    """The key that was made because there were none at all; None where there are some.

    Raises: InvalidInput when the keys lie in the home.
    """
    must_lie_apart(keys, home)
    return None if keys.known() else keys.make(now)


def must_lie_apart(keys: Keyring, home: Path) -> None:
    """Raises: InvalidInput when the keys lie in the home, where whoever may change versions could change them too."""
    if keys.folder.resolve().is_relative_to(home.resolve()):
        raise InvalidInput(
            f"The keys {keys.folder} lie in the state folder.",
            mend=f"Name a folder outside of it with {KEYS}: whoever changes a version must not change what proves it.",
            folder=str(keys.folder),
        )


def _folder(environment: Mapping[str, str]) -> Path:
    if environment.get(KEYS):
        return Path(environment[KEYS]).expanduser()
    told = environment.get("XDG_CONFIG_HOME")
    return (Path(told) if told else Path.home() / ".config") / "homeostat" / "keys"
