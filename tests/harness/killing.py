"""Kills the control process of a running Homeostat at moments drawn from a seed."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection
from contextlib import closing, suppress
from typing import Any

import httpx
import numpy as np

from tests.harness.running import Running, until

STEPS = ("pin", "train", "sign", "register", "gate")
LONGEST_SECONDS = {"pin": 0.1, "train": 2.0, "sign": 0.2, "register": 0.4, "gate": 0.05, "route": 0.2}


class PhaseKiller(threading.Thread):
    """Kills control once in every phase it sees, a random moment after the phase began.

    A phase is a step of a retraining, such as ``v2/train`` (once the child is at work), or a new route,
    such as ``route/3``. ``killed`` lists the phases in which a kill found control alive. ``only`` names
    those to kill in (empty: all): each kill takes as long as control takes to come back.
    """

    def __init__(self, running: Running, seed: int, only: Collection[str] = ()) -> None:
        super().__init__(name="phase-killer", daemon=True)
        self._running, self._drawn, self._only = running, np.random.default_rng(seed), only
        self._over = threading.Event()
        self.killed: list[str] = []

    def run(self) -> None:
        """Watch and kill until told to end."""
        while not self._over.wait(0.02):
            phase = phase_of(self._running)
            if phase is None or phase in self.killed or (self._only and phase not in self._only):
                continue
            kind = "route" if phase.startswith("route") else phase.split("/")[1]
            self._over.wait(self._drawn.uniform(0, LONGEST_SECONDS[kind]))
            if self._running.kill("control"):
                self.killed.append(phase)
            else:
                self._wait_for_control()

    def end(self) -> list[str]:
        """Stop killing, after what is left of ``only``; the phases in which it killed."""
        with suppress(TimeoutError):
            until(lambda: set(self._only) <= set(self.killed))
        self._over.set()
        self.join()
        return self.killed

    def _wait_for_control(self) -> None:
        """It died in the phase before: killing it as it starts would be no kill in this one."""
        while not self._over.wait(0.02):
            try:
                httpx.get(f"{self._running.control.base_url}/api/loops", timeout=5, trust_env=False)
            except httpx.TransportError:
                continue
            return


class RandomKiller(PhaseKiller):
    """Kills control again and again, whatever it does, after pauses of ``mean`` seconds on average."""

    def __init__(self, running: Running, seed: int, mean: float) -> None:
        super().__init__(running, seed)
        self._mean = mean

    def run(self) -> None:
        """Kill until told to end."""
        while not self._over.wait(self._drawn.exponential(self._mean)):
            if self._running.kill("control"):
                self.killed.append(phase_of(self._running) or "nothing yet")


def phase_of(running: Running) -> str | None:
    """What the loop is doing, read from its stores alone; None before its first decision."""
    state = _state(running)
    if state is None:
        return None
    if state["retraining"] is None:
        return f"route/{state['route']['generation']}"
    step = STEPS[min(len(STEPS) - 1, _steps_done(running, state["retraining"]["workflow"]))]
    if step == "train" and not running.pids("training"):
        return None
    return f"{state['retraining']['version']}/{step}"


def _state(running: Running) -> dict[str, Any] | None:
    rows = _read(running, "control.sqlite", "SELECT state FROM loops WHERE loop = ?", running.loop)
    return json.loads(rows[0][0]) if rows else None


def _steps_done(running: Running, workflow: str) -> int:
    query = "SELECT count(*) FROM operation_outputs WHERE workflow_uuid = ?"
    rows = _read(running, "workflows.sqlite", query, workflow)
    return int(rows[0][0]) if rows else 0


def _read(running: Running, file: str, query: str, *values: str) -> list[tuple[Any, ...]]:
    """Rows of a store, or none while it is being made."""
    try:
        with closing(sqlite3.connect(f"file:{running.home / file}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.OperationalError:
        return []
