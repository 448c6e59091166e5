"""The frame of every process that a supervisor starts."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from homeostat.app.processes.garbage import collect_seldom
from homeostat.app.processes.supervisor import die_with_parent
from homeostat.kernel.errors import HomeostatError, refused_by_system

Main = Callable[[Path], None]


def process_main(main: Main) -> int:
    """Run ``main`` with the home folder from the command line; errors of ours become one line and status 1.

    ``main`` imports what it needs: that is most of its start.
    """
    die_with_parent()
    collect_seldom()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        main(Path(sys.argv[1]))
    except HomeostatError as error:
        return _said(error)
    except OSError as error:
        return _said(refused_by_system(error))
    except KeyboardInterrupt:
        return 130
    return 0


def _said(error: HomeostatError) -> int:
    print(f"error: {error.problem} {error.mend}", file=sys.stderr)
    return 1
