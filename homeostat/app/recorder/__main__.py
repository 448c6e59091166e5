"""The recorder process: ``python -m homeostat.app.recorder HOME``."""

from __future__ import annotations

import sys
from pathlib import Path

from homeostat.app.processes.process import process_main


def main(home: Path) -> None:
    """Record for the loops of a home until told to stop."""
    from homeostat.app.loops.known import known_features
    from homeostat.app.loops.loader import load_started
    from homeostat.app.recorder.labels import Labelled
    from homeostat.app.recorder.main import run
    from homeostat.app.recorder.predictions import LoggedLoop
    from homeostat.app.settings import Settings
    from homeostat.features.logged import Logged

    settings = Settings.load(home)
    loops = load_started(settings).values()
    tables = {table.name: table for loop in loops for table in loop.tables}
    feature_sets = [one for loop in loops for one in loop.online]
    logged = [
        LoggedLoop(loop.name, Logged.of(loop.feature_set, loop.task.name), known_features(settings.paths, loop.name))
        for loop in loops
    ]
    labelled = [Labelled(loop.name, loop.question, loop.label) for loop in loops]
    facts = list(tables.values())
    run(settings.home, settings.recorder_socket, facts, feature_sets, logged, labelled, settings.traces)


if __name__ == "__main__":
    sys.exit(process_main(main))
