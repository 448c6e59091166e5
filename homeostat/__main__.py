"""The command ``homeostat``, also as ``python -m homeostat``."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> None:
    """Run it; whoever stops it while it is still being loaded is shown nothing either."""
    try:
        from homeostat.app.processes.garbage import collect_hardly

        collect_hardly()
        from homeostat.cli.main import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
