"""Sustained exceedance: a policy that must fire in several of the last windows before it counts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from homeostat.control.policies.base import Needs, Policy, policy_in, whole
from homeostat.control.policies.findings import Finding, combine
from homeostat.control.policies.situation import Situation
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import HOLD, RETRAIN
from homeostat.kernel.words import plural


@dataclass(frozen=True, slots=True)
class Sustained(Policy):
    """``policy`` fires in ``windows`` of the last ``of`` windows; in all of them where ``of`` is left out.

    A window is what the policy is measured by: a matured day for outcomes and volume, a day for drift, time and money.
    Raises: InvalidInput for more windows than there are, or a single one, which is the policy itself.

    >>> from homeostat.control.policies.drift import Drift
    >>> Sustained(Drift(), 2, of=3).to_json()["of"]
    3
    """

    policy: Policy
    windows: int
    of: int = 0
    kind: ClassVar[str] = "sustained"

    def __post_init__(self) -> None:
        policy_in(self.kind, self.policy)
        whole(self.kind, "windows", self.windows, least=1)
        whole(self.kind, "of", self.of, least=0)
        object.__setattr__(self, "of", self.of or self.windows)
        if not self.windows <= self.of or self.of < 2:
            raise InvalidInput(
                f"{self.windows} of the last {plural(self.of, 'window')} cannot be.",
                mend="Give windows of at most of=, and of= of at least 2; once is the policy itself.",
                windows=self.windows,
                of=self.of,
            )

    @property
    def parts(self) -> tuple[Policy, ...]:
        """The policy that must last."""
        return (self.policy,)

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says of the windows up to so many before the newest."""
        each = [self.policy.at(seen, back + place) for place in range(self.of)]
        found = combine(self.kind, self.windows, each)
        newest = next(one for one in each if one.name == found.name)
        told = newest.reasons[0]
        text = f"{newest.text}; {self._counted(found.name, sum(one.name == RETRAIN for one in each))}"
        return dataclasses.replace(found, reasons=(dataclasses.replace(told, text=text),))

    def _counted(self, name: str, fired: int) -> str:
        if name == RETRAIN and fired == self.of:
            return f"{plural(fired, 'window')} in a row"
        limit = {RETRAIN: f" >= {self.windows}", HOLD: f" < {self.windows}"}.get(
            name, f" so far, {self.windows} needed"
        )
        return f"in {fired} of the last {plural(self.of, 'window')}{limit}"

    def needs(self, windows: int = 1) -> Needs:
        """What its policy looks at, further back."""
        return self.policy.needs(windows + self.of - 1)
