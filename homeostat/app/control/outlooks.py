"""What age and retraining cost a loop now, for policies that look at money; reckoned again only after news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from homeostat.app.by_hand.operations import Operations
from homeostat.app.shown.economics import observed
from homeostat.control.days import Day
from homeostat.control.economics.outlook import outlook_of
from homeostat.control.loop import Loop
from homeostat.control.policies.situation import Outlook
from homeostat.control.state import LoopState


@dataclass(slots=True)
class Outlooks:
    """Of one loop of a home."""

    operations: Operations
    loop: Loop
    _known: tuple[tuple[object, ...], Outlook] | None = field(init=False, default=None)

    def of(self, state: LoopState, days: Sequence[Day], windows: int) -> Outlook:
        """The outlook as of the newest of ``days``."""
        matured = sum(day.outcomes is not None for day in days)
        news = (state.revision, days[-1].day if days else None, matured, windows)
        if self._known is None or self._known[0] != news:
            seen = observed(self.operations, self.loop, days)
            self._known = (news, outlook_of(seen, self.loop.economics, windows))
        return self._known[1]
