"""Two installations that see the same world: one is left in peace, the other's control process is killed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness.killing import PhaseKiller
from tests.harness.running import Running, started
from tests.harness.watched import Watch
from tests.harness.world import LOOP_FILE, World, day, write_loop

Json = dict[str, Any]
FIRST, RETRAINED, PROMOTED, PERIOD = 6, 14, 21, 8
"""Days at whose start the first version is trained, the second one is, and the second one is promoted; days from
one retraining to the next."""
PHASES = frozenset({"v2/train", "v2/register", *(f"route/{generation}" for generation in range(2, 7))})
"""A whole retraining and rollout: the canary opens with route 2, advances with 3 to 5, is promoted with 6."""

_POLICIES = {
    'at_latest="20d"': 'at_latest="8d"',
    "hs.Emergency() | hs.Realised(tolerance=0.1, trail=3) | ": "",
    'history="10d"': 'history="4d"',
    "rollout=hs.Canary(holds": "rollout=hs.Canary(steps=(0.2, 0.4, 0.7, 1.0), holds",
    'holds=("3d", "1d", "1d", "1d"), margin=0.05': 'holds=("4d", "1d", "1d", "1d"), margin=0.3',
    '["north", "south"]': '["north", "south", "west"]',
    "import homeostat as hs": "from pathlib import Path\n\nimport numpy\n\nimport homeostat as hs",
}
_HOOK = """asked = Path(__file__).with_name("asked")
    asked = asked.read_text() if asked.exists() else ""
    if asked == "shuffled":
        label = numpy.random.default_rng(0).permutation(label)
    if asked == "brittle":
        known = OneHotEncoder(categories=[["", "north", "south"]], handle_unknown="error")
        model.set_params(columns__shop=known)"""


@dataclass(slots=True)
class Twin:
    """One of the two: where it is in its world (``hour``, counted from the beginning), and how to go on.

    It retrains every eight days, and for no other reason. ``killed`` are the phases in which control was killed.
    """

    folder: Path
    world: World
    running: Running
    watch: Watch
    stack: ExitStack = field(default_factory=ExitStack)
    hour: int = 0
    killed: list[str] = field(default_factory=list)

    def go(self, hours: int) -> None:
        """Live on for some hours; every midnight waits until the day is decided."""
        for _ in range(hours):
            self.running.hours(self.world, self.hour, self.hour + 1)
            self.hour += 1
            if self.hour % 24 == 0:
                self.running.barrier(day(self.hour // 24))

    def until(self, kind: str, days: int) -> Json:
        """Live on until midnight brings a new decision of a kind, and give it; not longer than ``days``."""
        before = len(self.running.decisions())
        for _ in range(days):
            self.go(24 - self.hour % 24)
            found = [one for one in self.running.decisions()[before:] if one["kind"] == kind]
            if found:
                return found[-1]
        raise AssertionError(f"no {kind} in {days} days: {[d['title'] for d in self.running.decisions()]}")

    def ask_training(self, what: str) -> None:
        """Make the training function give shuffled labels or a brittle model, or the usual one (empty)."""
        (self.folder / "asked").write_text(what)

    def restart(self) -> None:
        """Start again what was stopped."""
        self.running = self.stack.enter_context(
            started(self.running.home, self.folder / "loop.py", environment=self.watch.environment)
        )


@contextmanager
def twins(folder: Path, seed: int) -> Iterator[tuple[Twin, Twin]]:
    """Both, as they are once the second version is promoted: first the one in peace, then the killed one."""
    with installed(folder / "calm") as calm, installed(folder / "shaken") as shaken:
        with ThreadPoolExecutor(2) as threads:
            peace = threads.submit(grow, calm)
            war = threads.submit(grow, shaken, PhaseKiller(shaken.running, seed, PHASES))
            peace.result()
            war.result()
        yield calm, shaken


@contextmanager
def installed(folder: Path) -> Iterator[Twin]:
    """One installation before its first day."""
    folder.mkdir(parents=True)
    watch = Watch(folder / "watch")
    text = LOOP_FILE
    for old, new in _POLICIES.items():
        assert old in text, old
        text = text.replace(old, new)
    loop_file = write_loop(folder, _HOOK, text)
    with ExitStack() as stack:
        running = stack.enter_context(started(folder / "home", loop_file, environment=watch.environment))
        yield Twin(folder, World(), running, watch, stack)


def grow(twin: Twin, killer: PhaseKiller | None = None) -> None:
    """Live until the second version is promoted, whoever kills control meanwhile."""
    if killer is not None:
        killer.start()
    try:
        twin.running.history(twin.world, 0, FIRST)
        twin.running.barrier(day(FIRST))
        twin.hour = FIRST * 24
        twin.go((PROMOTED - FIRST) * 24)
    finally:
        twin.killed = killer.end() if killer is not None else []
