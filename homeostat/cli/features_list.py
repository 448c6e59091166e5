"""The list of feature views."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from homeostat.cli.output import errors_shown, show, talk
from homeostat.cli.tabled import print_table

Json = dict[str, Any]


def show_views(home: Path, loop: str | None, as_json: bool) -> None:
    """Print every view of every loop, or of one."""
    with errors_shown(as_json):
        from homeostat.app.features.view_list import listed_views
        from homeostat.app.home import Home

        show(listed_views(Home(home).existing(), loop), as_json, _text)


def _text(found: list[Json]) -> None:
    if not found:
        talk.print("No loop here has a feature view: its features are columns of the question.")
        return
    several = len({one["loop"] for one in found}) > 1
    rows = [
        [
            *([one["loop"]] if several else []),
            one["view"],
            one["hash"][:8],
            one["freshness"] or "-",
            _versions(one["versions"]),
            "-" if one["missing"] is None else f"{one['missing']:.1%}",
        ]
        for one in found
    ]
    columns = [*(["loop"] if several else []), "view", "hash", "freshness", "used by", "missing, 7d"]
    print_table(columns, rows, right=["missing, 7d"])


def _versions(names: list[str]) -> str:
    """The newest by name, the others by number."""
    if len(names) < 2:
        return ", ".join(names) or "-"
    return f"{names[-1]} and {len(names) - 1} before"
