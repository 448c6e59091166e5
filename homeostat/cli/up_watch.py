"""Tells, while loops run, where each stands and what it decides: who starts one sees it work without a browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rich.markup import escape

from homeostat.app.processes.loopback import get_json
from homeostat.cli.operate import waiting
from homeostat.cli.output import talk, when
from homeostat.kernel.errors import Unavailable

_EVERY = 2.0
_PATIENCE = 0.5
"""Seconds from look to look, and that control may take: whoever waits for it restarts nothing meanwhile."""


class News:
    """Follows the loops of an installation through the control API; never fails when control is away for a moment."""

    def __init__(self, control_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = f"{control_url}/api/loops"
        self._clock = clock
        self._next = 0.0
        self._seen: dict[str, int] = {}

    def look(self) -> bool:
        """Tell what is new, if it is time and control answers; false, for there is always more to come."""
        if self._clock() >= self._next:
            self._next = self._clock() + _EVERY
            try:
                for loop in self._asked(self._url)["loops"]:
                    self._tell(loop["name"])
            except Unavailable:
                pass
        return False

    def _tell(self, name: str) -> None:
        if name not in self._seen:
            shown = self._asked(f"{self._url}/{name}/overview")
            self._seen[name] = shown["last_decision"]["seq"] if shown["last_decision"] else 0
            talk.print(f"{name}  {_standing(shown)}", markup=False)
        for one in self._asked(f"{self._url}/{name}/decisions?after={self._seen[name]}")["decisions"]:
            self._seen[name] = one["seq"]
            talk.print(f"{when(one['at'])} UTC  {escape(name)}  [bold]{escape(one['title'])}[/]")
            for reason in one["reasons"]:
                talk.print(f"    [dim]{escape(reason)}[/]")

    @staticmethod
    def _asked(url: str) -> Any:
        return get_json(url, _PATIENCE)


def _standing(shown: dict[str, Any]) -> str:
    serving, activity = shown["route"]["champion"], shown["activity"]
    if serving is not None:
        return f"{serving} serves"
    if activity and activity["kind"] == "training":
        return f"nothing serves yet: {activity['version']} is being trained"
    return f"nothing serves yet: {waiting(shown['waiting'])}"
