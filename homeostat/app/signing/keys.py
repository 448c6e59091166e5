"""What a person does with keys: make, change, trust, revoke, and sign versions that they vouch for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeostat.adapters.signing.keyring import Key, Keyring
from homeostat.app.clocks import SystemClock
from homeostat.app.home import Home
from homeostat.app.signing.signer import sign
from homeostat.app.signing.trust import must_lie_apart
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import Conflict, HomeostatError, Untrusted
from homeostat.registry.bundles import hint_of
from homeostat.registry.manifest import SIGNATURE, read_manifest
from homeostat.registry.models import Registry
from homeostat.registry.sealed import open_sealed

if TYPE_CHECKING:
    from homeostat.control.state import LoopState
    from homeostat.control.transitions import Transition

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of this installation, and the versions of one home that they signed.

    What ``actor`` does to them is a decision in the ledger of each of the home's loops that has decided anything yet.
    """

    ring: Keyring
    home: Home
    actor: str

    def init(self) -> Json:
        """The first key. Raises: Conflict where one signs already; InvalidInput where the keys lie in the home."""
        found = next((one for one in self.ring.known() if one.standing == "signing"), None)
        if found is not None:
            mend = "'homeostat keys rotate' makes another one."
            raise Conflict(f"Key {found.short} signs already.", mend=mend, key=found.id)
        return self.rotate()

    def rotate(self) -> Json:
        """A new key signs from now on; what the former one signed stays trusted."""
        must_lie_apart(self.ring, self.home.root)
        return self._changed("rotate_key", self.ring.make(SystemClock().now()))

    def trust(self, file: Path) -> Json:
        """Believe a key of somebody else. Raises: InvalidInput when the file holds none, NotFound without it."""
        must_lie_apart(self.ring, self.home.root)
        return self._changed("trust_key", self.ring.trust(file.read_bytes(), SystemClock().now()))

    def revoke(self, key: str, reason: str) -> Json:
        """Believe a key no more."""
        return self._changed("revoke_key", self.ring.revoke(key, reason, SystemClock().now()))

    def listed(self) -> list[Json]:
        """Every key, oldest first, with the versions of the home that it signed."""
        return [self._told(one) for one in self.ring.known()]

    def find(self, key: str) -> Json | None:
        """The only key whose id begins so, if there is one."""
        found = [one for one in self.ring.known() if one.id.startswith(key)]
        return self._told(found[0]) if len(found) == 1 else None

    def untrusted(self, loop: str) -> Mapping[str, str]:
        """Versions of a loop that are not loaded, with the reason of each, oldest first."""
        found = {}
        for folder in self._folders(loop):
            try:
                open_sealed(folder, loop, folder.name, self.ring)
            except Untrusted as error:
                found[folder.name] = error.problem
            except HomeostatError:
                continue
        return found

    def sign(self, loop: str, version: str, registry: Registry, reason: str = "") -> Json:
        """Vouch for a version as it was registered: sign it with the present key, here and where it is registered.

        Raises: NotFound, Refused without a key, IntegrityError when its files are not what was registered.
        """
        from homeostat.control.keys import countersigned

        signer = ""

        def write(folder: Path) -> None:
            nonlocal signer
            signer = sign(read_manifest(folder), folder, self.ring).signer or ""

        registry.countersign(loop, version, write)
        now = SystemClock().now()
        self._record(loop, lambda state: countersigned(state, version, signer, reason, self.actor, now))
        return {"loop": loop, "version": version, "key": signer}

    def _changed(self, kind: str, key: Key) -> Json:
        from homeostat.control.keys import key_changed

        for loop in sorted({one.parent.name for one in self._folders("*")}):
            self._record(loop, lambda state: key_changed(state, kind, key.id, key.reason, self.actor, key.since))
        return self._told(key)

    def _record(self, loop: str, change: Callable[[LoopState], Transition]) -> None:
        """In the ledger; before a loop's first decision there is no moment of its own to write it at."""
        if not self.home.control_db.exists():
            return
        from homeostat.app.shown.standings import Standings

        store = Standings.open(self.home).store
        while (state := store.state(loop)).decided_until is not None:
            after, drafts = change(state)
            with suppress(Conflict):
                store.commit(state, after, drafts, ())
                return

    def _told(self, key: Key) -> Json:
        return {
            "key": key.id,
            "standing": key.standing,
            "since": format_instant(key.since),
            "reason": key.reason,
            "public": key.public,
            "folder": str(self.ring.folder),
            "versions": [f"{one.parent.name}/{one.name}" for one in self._folders("*") if hint_of(one) == key.id],
        }

    def _folders(self, loop: str) -> list[Path]:
        found = self.home.versions.glob(f"{loop}/v*")
        return sorted(found, key=lambda one: (one.parent.name, len(one.name), one.name))


def warn_of_unsigned(
    keys: Keyring, home: Home, versions: Mapping[str, set[str]], notice: Callable[[str], None]
) -> None:
    """Say which versions that a route names will not be loaded for want of a signature."""
    for loop, names in versions.items():
        for name in sorted(names):
            folder = home.versions / loop / name
            if folder.is_dir() and not (folder / SIGNATURE).exists():
                what = "is not loaded" if keys.required else "is loaded all the same"
                notice(f"nobody has signed {name} of {loop}: it {what}; 'homeostat keys sign {name}' vouches for it")
