"""What of a recorder's work does not go on, and why: said in its log once, and told whoever asks how it is."""

from __future__ import annotations

import logging

from homeostat.kernel.errors import HomeostatError

NOT_TAKEN_IN = "no events are taken in"
NOT_STORED = "not everything could be stored"
_LOG = logging.getLogger("homeostat.recorder")


class Troubles:
    """By what does not go on; gone as soon as it does.

    >>> troubles = Troubles()
    >>> troubles.begin(NOT_TAKEN_IN, HomeostatError("The journal is held.", mend="Let it go."))
    >>> troubles.told(), NOT_TAKEN_IN in troubles
    (['no events are taken in: The journal is held. Let it go.'], True)
    >>> troubles.end(NOT_TAKEN_IN)
    >>> troubles.told()
    []
    """

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def __contains__(self, what: str) -> bool:
        return what in self._told

    def begin(self, what: str, why: HomeostatError) -> None:
        """Something does not go on; the same again is not said again."""
        if self._told.get(what) != str(why):
            self._told[what] = str(why)
            _LOG.error("%s: %s", what, why)

    def end(self, what: str) -> None:
        """It goes on."""
        if self._told.pop(what, None) is not None:
            _LOG.info("it is over that %s", what)

    def told(self) -> list[str]:
        """One sentence or two per trouble."""
        return [f"{what}: {why}" for what, why in self._told.items()]
