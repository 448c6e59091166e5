"""The command that rebuilds the online store."""

from __future__ import annotations

import time
from typing import Any

from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from homeostat.cli.output import data, errors_shown, show
from homeostat.cli.progress import progress_bar
from homeostat.cli.tabled import print_table


def rebuild(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Rebuild the online store from the tables.

    Works whether or not Homeostat runs. Serving reads the old state until the new one is complete; events that
    come meanwhile are acknowledged, and are seen by features once it is. When it fails, the old state stays.
    """
    with errors_shown(as_json):
        from homeostat.app.features.rebuild import rebuild_online
        from homeostat.app.home import Home
        from homeostat.app.settings import Settings

        settings = Settings.load(Home(home).existing().root)
        began = time.perf_counter()
        with progress_bar("reading facts") as progress:
            found = rebuild_online(settings, progress)
        show({**found, "seconds": round(time.perf_counter() - began, 3)}, as_json, _text)


def _text(found: dict[str, Any]) -> None:
    if found["facts"]:
        print_table(["table", "facts"], [[name, f"{facts:,}"] for name, facts in found["facts"].items()], ["facts"])
    data.print(f"Rebuilt up to sequence {found['sequence']:,} in {found['seconds']:.1f} s.")
