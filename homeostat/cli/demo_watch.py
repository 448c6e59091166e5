"""Tells what happens during the demonstration: a progress bar, and every decision as it is made."""

from __future__ import annotations

from datetime import date
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from homeostat.app.processes.installation import Installation
from homeostat.app.processes.loopback import get_json
from homeostat.app.settings import Settings
from homeostat.cli.demo import LOOP
from homeostat.cli.output import talk
from homeostat.kernel.clock import parse_instant
from homeostat.kernel.errors import Unavailable

_STYLES = {
    "retrain": "cyan",
    "gate": "cyan",
    "promote": "bold green",
    "reject": "yellow",
    "rollback": "bold red",
}


class Watch:
    """Follows a replay through the control API; never fails when control is away for a moment."""

    def __init__(self, settings: Settings, last: date) -> None:
        self._url = f"{settings.control_url}/api/loops/{LOOP}"
        self._last = last
        self._seen = 0
        self._month = ""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[served]:>9} rows served"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=talk,
            disable=not talk.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=1.0, served=0)
        self._bar.start()

    def look(self) -> None:
        """Show news, if control answers."""
        try:
            shown = get_json(f"{self._url}/overview")
            decisions = get_json(f"{self._url}/decisions?after={self._seen}")["decisions"]
        except Unavailable:
            return
        self._show_progress(shown)
        for decision in decisions:
            self._seen = decision["seq"]
            self._show_decision(decision)

    def close(self) -> None:
        """Show the last news and end the bar."""
        self.look()
        self._bar.stop()

    def _show_progress(self, shown: dict[str, Any]) -> None:
        replay = shown["replay"]
        if replay is None:
            return
        start, until, at = (parse_instant(replay[name]) for name in ("start", "until", "at"))
        share = (at - start) / max(1, until - start)
        served = f"{shown['totals']['served']:,}"
        doing = replay["phase"] if shown["activity"] is None else f"training {shown['activity']['version']}"
        self._bar.update(self._task, completed=share, description=f"{replay['at'][:10]}  {doing}", served=served)
        if not talk.is_terminal and replay["at"][:7] != self._month:
            self._month = replay["at"][:7]
            talk.print(f"{replay['at'][:10]}  {doing}, {served} rows served")

    def _show_decision(self, decision: dict[str, Any]) -> None:
        style = _STYLES.get(decision["kind"], "default")
        talk.print(f"{decision['at'][:10]}  [{style}]{escape(decision['title'])}[/]")
        for reason in decision["reasons"]:
            talk.print(f"            [dim]{escape(reason)}[/]")


def finished(watch: Watch, running: Installation) -> bool:
    """Look once; true when the replay has ended."""
    watch.look()
    return running.ended("driver")
