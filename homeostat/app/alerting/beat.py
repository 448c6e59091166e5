"""The pulse of the control process: written after each look at its loops, read by whoever watches it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from homeostat.kernel.clock import Instant


def write_beat(path: Path, now: Instant) -> None:
    """Say that control has looked, by the machine's clock. It is said again in seconds, so it is not forced to disk."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps({"at": now}))
    os.replace(part, path)


def read_beat(path: Path) -> Instant | None:
    """When it last did; None where that is not known."""
    try:
        return int(json.loads(path.read_text())["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
