"""A recorder of the serving tests' loop "late": ``python -m tests.service.late_recorder HOME SOCKET``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from homeostat.app.recorder.main import run
from homeostat.app.recorder.predictions import LoggedLoop
from homeostat.features.logged import Logged
from tests.unit.serving.late import ARRIVALS, DEPARTURES, FEATURES

if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    loops = [LoggedLoop("late", Logged.of(FEATURES))]
    run(Path(sys.argv[1]), sys.argv[2], [DEPARTURES, ARRIVALS], [FEATURES], loops)
