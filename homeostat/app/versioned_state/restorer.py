"""What the way back of state does to the world; every call finds what an earlier one made."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homeostat.adapters.files.folders import copy_folder, flush_folder
from homeostat.adapters.files.swaps import intend_swap, swap
from homeostat.app.versioned_state.keeper import StateKeeper
from homeostat.control.checkpoints import Checkpoint
from homeostat.control.versioned_state import StateFolder
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import HomeostatError, Unavailable

Json = dict[str, Any]
_FLUSHES, _BETWEEN_SECONDS = 20, 0.5


@dataclass(frozen=True, slots=True)
class Restorer:
    """The effects of one loop's way back.

    ``flush`` puts everything acknowledged into the logs and gives the version of this loop's; -1 while it has none.
    """

    keeper: StateKeeper
    flush: Callable[[], int]
    _wait: threading.Event = field(default_factory=threading.Event)

    def restore(self, ask: Json) -> Json:
        """Keep what is there as the state of the version that leaves, and put the checkpoint in its place.

        Raises: NotFound and IntegrityError before anything has changed; Unavailable, StateFailed.
        """
        self.keeper.prune(self.keeper.store.state(str(ask["loop"])).route, str(ask["checkpoint"]))
        try:
            return self._folder(ask) if isinstance(self.keeper.declared, StateFolder) else self._functions(ask)
        finally:
            self.keeper.progress.forget()

    def replay(self, ask: Json) -> Json:
        """Let the loop rebuild what was asked since the checkpoint, by the eyes of the version that comes back."""
        keeper = self.keeper
        log = self._flushed()
        if log < 0:
            return {"rows": 0, "of": 0}
        more = {"since": int(ask["since"]), "generation": int(ask["generation"]), "log_version": log}
        keeper.progress.say("replaying what was asked since")
        try:
            return keeper.run(keeper.job("replay", str(ask["version"]), keeper.folder, **more))
        finally:
            keeper.progress.forget()

    def _folder(self, ask: Json) -> Json:
        keeper = self.keeper
        keeper.check_place()
        place, name = keeper.place, str(ask["id"]).rpartition("/")[2]
        staged, note = place.with_name(f".{place.name}.homeostat"), keeper.folder / f"swap-{name}.json"
        with keeper.kept.alone():
            if not note.exists():
                self._stage(ask, staged)
                intend_swap(place, staged, note)
            swap(place, staged, note)
        for old in keeper.folder.glob("swap-*.json"):
            if old != note:
                old.unlink()
        if not staged.exists():
            return self._known(ask)
        kept = self._keep(ask, lambda target: copy_folder(staged, target, databases=False))
        if kept["kept"] is not None:
            shutil.rmtree(staged)
            return kept
        beside = staged.with_name(f"{staged.name}-{name}")
        os.rename(staged, beside)
        return {**kept, "not_kept": f"{kept['not_kept']} It lies at {beside}."}

    def _stage(self, ask: Json, staged: Path) -> None:
        staged.parent.mkdir(parents=True, exist_ok=True)
        told = f"putting {ask['checkpoint']} back"
        say = self.keeper.progress.say
        target, due = str(ask["checkpoint"]), str(ask["hash"])
        self.keeper.kept.copy_out(target, due, staged, lambda done, of: say(told, done, of))
        flush_folder(staged.parent)

    def _functions(self, ask: Json) -> Json:
        keeper = self.keeper
        copy = keeper.folder / "work" / "copy"
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with keeper.kept.alone():
            self._stage(ask, copy)
        kept = self._keep(ask, None)
        keeper.progress.say(f"putting {ask['checkpoint']} back")
        with keeper.kept.alone():
            keeper.run(keeper.job("restore", str(ask["version"]), copy))
        shutil.rmtree(copy)
        return kept

    def _keep(self, ask: Json, fill: Callable[[Path], object] | None) -> Json:
        """What cannot be kept holds nobody up: users wait for the state of the version that comes back."""
        generation = self.keeper.store.state(str(ask["loop"])).route.generation
        try:
            taken = self.keeper.take(str(ask["leaving"]), generation, int(ask["asked_at"]), str(ask["id"]), fill)
        except HomeostatError as error:
            return {"kept": None, "not_kept": f"{error.problem} {error.mend}"}
        return {"kept": plain(taken), "not_kept": None}

    def _known(self, ask: Json) -> Json:
        """What an earlier call kept, if there was anything to keep."""
        found: list[Checkpoint] = [one for one in self.keeper.kept.all() if one.because == ask["id"]]
        return {"kept": plain(found[0]) if found else None, "not_kept": None}

    def _flushed(self) -> int:
        """A recorder that is being restarted is waited for, some seconds. Raises: Unavailable."""
        for _ in range(_FLUSHES):
            try:
                return self.flush()
            except Unavailable as error:
                last = error
            self._wait.wait(_BETWEEN_SECONDS)
        raise last
