"""How far state on its way has come: a small file, for whoever asks."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Progress:
    """Told now and then; read by any process. ``folder`` is that of the loop's checkpoints."""

    folder: Path
    _last: tuple[str, int] | None = None

    def say(self, step: str, done: int = 0, of: int = 0) -> None:
        """Note a step of the work, and how much of it is done; each percent once."""
        mark = (step, 100 * done // of if of else done)
        if mark == self._last:
            return
        self._last = mark
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self.folder / f"progress.{os.getpid()}.part"
        part.write_text(json.dumps({"step": step, "done": done, "of": of}))
        os.replace(part, self.folder / "progress.json")

    def told(self) -> str:
        """The last note in a few words."""
        try:
            last = json.loads((self.folder / "progress.json").read_bytes())
        except (OSError, ValueError):
            return "waiting for control"
        share = f", {last['done'] / last['of']:.0%}" if last["of"] else ""
        return f"{last['step']}{share}"

    def forget(self) -> None:
        """Nothing is on its way."""
        (self.folder / "progress.json").unlink(missing_ok=True)
