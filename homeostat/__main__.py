"""``python -m homeostat`` is the command ``homeostat``."""

from __future__ import annotations

from homeostat.cli.main import main

main()
