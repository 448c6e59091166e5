"""Which version answers: a route that only moves forward, and a split that never reshuffles."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from homeostat.kernel.errors import InvalidInput

Arm = Literal["champion", "canary", "pinned"]
"""Who answered: by the route; or the version that a request asked for by name, which proves nothing of the route."""

ACTING: tuple[Arm, ...] = ("champion", "canary")
"""Arms whose answers are what the loop did; the others' are logged beside, and judge nobody."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a loop serves. ``generation`` only grows; ``share`` of the units, in [0, 1], meet the canary.

    ``standby`` is kept loaded, so that going back to it takes one swap. ``salt`` draws a new split for each
    rollout. Raises: InvalidInput when the parts contradict each other.
    """

    loop: str
    generation: int
    champion: str | None
    canary: str | None = None
    share: float = 0.0
    standby: str | None = None
    salt: str = ""

    def __post_init__(self) -> None:
        if self.generation < 0 or not 0.0 <= self.share <= 1.0:
            raise InvalidInput(
                f"The route of {self.loop!r} has generation {self.generation} and share {self.share}.",
                mend="Generations start at 0; a share lies between 0 and 1.",
                loop=self.loop,
            )
        if self.canary is not None and self.champion is None:
            raise InvalidInput(
                f"The route of {self.loop!r} has a canary but no champion to answer for it.",
                mend="Make the first version champion.",
                loop=self.loop,
            )

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that the route names, champion first, without repetition."""
        named = (self.champion, self.canary, self.standby)
        return tuple(dict.fromkeys(version for version in named if version is not None))


def arm_of(route: Route, unit: str) -> Arm:
    """The arm of a unit, the same on every replica and after every restart.

    Raising the share moves units only from champion to canary, lowering it only back.

    >>> route = Route("late", 1, "v1", canary="v2", share=0.5, salt="r1")
    >>> [arm_of(route, unit) for unit in ("a", "b", "c", "d")]
    ['canary', 'champion', 'champion', 'champion']
    """
    if route.canary is None or route.share <= 0.0:
        return "champion"
    return "canary" if place_of(route.salt, unit) < route.share else "champion"


def place_of(salt: str, unit: str) -> float:
    """Where a unit stands in [0, 1), uniformly and independently for each salt."""
    drawn = blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8, key=_key(salt)).digest()
    return int.from_bytes(drawn, "big") / 2.0**64


def _key(salt: str) -> bytes:
    return salt.encode() if len(salt) <= 16 else blake2b(salt.encode(), digest_size=32).digest()
