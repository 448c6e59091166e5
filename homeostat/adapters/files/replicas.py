"""What replicas say of themselves, one file each: whoever may read the home folder sees the whole fleet."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from homeostat.serving.replicas import ReplicaState


def write_replica(folder: Path, state: ReplicaState) -> None:
    """Replace what a replica said before. It need not survive a power cut: the replica does not either."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{state.id}.part"
    part.write_bytes(msgspec.json.encode(state))
    os.replace(part, folder / f"{state.id}.json")


def read_replicas(folder: Path) -> list[ReplicaState]:
    """What every replica said last, in the order of their ids; what cannot be read is left out."""
    found = []
    for path in folder.glob("*.json"):
        with suppress(OSError, msgspec.MsgspecError):
            found.append(msgspec.json.decode(path.read_bytes(), type=ReplicaState))
    return sorted(found, key=lambda one: (len(one.id), one.id))


def remove_replica(folder: Path, name: str) -> None:
    """A replica that ends well is not missed."""
    (folder / f"{name}.json").unlink(missing_ok=True)
