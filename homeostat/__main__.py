"""``python -m homeostat`` is the command ``homeostat``."""

from homeostat.cli.main import main

main()
