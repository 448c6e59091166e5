"""A version's origin, and the difference of two, for people: read from their folders, without the loop file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.app.home import Home
from homeostat.app.lineage.proofs import proof_of
from homeostat.app.signing.trust import keyring
from homeostat.data.checks import did_you_mean
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import format_instant
from homeostat.kernel.errors import InvalidInput, NotFound
from homeostat.registry.differences import LegDifference, differences
from homeostat.registry.legs import Legs
from homeostat.registry.manifest import MANIFEST, read_manifest, verify_files
from homeostat.registry.models import Version
from homeostat.registry.recorded import read_contents, read_legs

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """A registered version with its recorded legs."""

    version: Version
    legs: Legs
    folder: Path


def loop_named(home: Home, loop: str | None) -> str:
    """The loop that is meant, of those that have versions. Raises: NotFound, InvalidInput where it is not clear."""
    loops = sorted({path.parent.parent.name for path in home.versions.glob(f"*/v*/{MANIFEST}")})
    if loop is None and len(loops) == 1:
        return loops[0]
    if not loops:
        raise NotFound("No version is registered here yet.", mend="'homeostat status' tells what is waited for.")
    if loop is None:
        raise InvalidInput("Several loops have versions.", mend=f"Name one with --loop: {', '.join(loops)}.")
    if loop not in loops:
        raise NotFound(f"Loop {loop!r} has no version.", mend=did_you_mean(loop, loops), loop=loop)
    return loop


def origin(home: Home, loop: str, version: str) -> Origin:
    """A version as it was registered. Raises: NotFound; IntegrityError when its files are not what was registered."""
    names = [path.parent.name for path in (home.versions / loop).glob(f"v*/{MANIFEST}")]
    if version not in names:
        mend = did_you_mean(version, sorted(names, key=lambda name: int(name[1:])))
        raise NotFound(f"Loop {loop!r} has no version {version!r}.", mend=mend, loop=loop, version=version)
    folder = home.versions / loop / version
    found = read_manifest(folder)
    verify_files(found, folder)
    return Origin(found, read_legs(folder), folder)


def shown(found: Origin) -> Json:
    """Everything that is known of what a version was made of, and whether its signature holds now."""
    told = found.version
    form = {"runtime": told.runtime, "why_not_onnx": told.form.why} if told.form else {"runtime": told.runtime}
    return {
        "loop": told.loop,
        "version": told.version,
        "created_at": format_instant(told.created_at),
        "rows": told.pin.rows,
        "metrics": dict(told.metrics),
        "promise": dict(told.promise),
        "inputs": dict(told.inputs),
        **form,
        "variant": plain(told.variant),
        "files": dict(told.files),
        "fingerprint": plain(told.fingerprint),
        "pin": plain(told.pin),
        "legs": plain(found.legs),
        "signature": proof_of(found.folder, told.loop, told.version, keyring()),
    }


def compared(one: Origin, other: Origin) -> Json:
    """What changed from one version to another, by leg, and whether their signatures hold now."""
    found = differences(one.legs, other.legs, (read_contents(one.folder), read_contents(other.folder)))
    return {
        "loop": one.version.loop,
        "from": one.version.version,
        "to": other.version.version,
        "signatures": {
            named.version: proof_of(each.folder, named.loop, named.version, keyring())
            for each, named in ((one, one.version), (other, other.version))
        },
        "legs": {name: leg_of(leg) for name, leg in found.items()},
    }


def leg_of(found: LegDifference) -> Json:
    """A leg's difference as JSON."""
    return {"equal": found.equal, "changes": plain(found.changes), "beside": plain(found.beside)}
