"""Which version answers: a route that only moves forward, and splits that never reshuffle."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from homeostat.kernel.errors import InvalidInput

Arm = str
"""Who answered: "champion", "canary" or an arm of an experiment ("checkout/b"), by the route; "shadow", which was never
returned; "pinned", the version that a request asked for by name, which proves nothing of the route."""
BESIDE: tuple[Arm, ...] = ("shadow", "pinned")
"""Arms whose answers are not what the loop did: they are logged beside, and judge nobody."""
_MOST_SHADOWS = 4


@dataclass(frozen=True, slots=True)
class Shadow:
    """A version that answers ``share`` of the units too, off the reply path; its answers are never returned."""

    version: str
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class ExperimentArm:
    """An arm of an experiment; ``weight`` of its units meet it."""

    name: str
    version: str
    weight: float


@dataclass(frozen=True, slots=True)
class Experiment:
    """Versions that are compared on ``share`` of the units; the others go on as the route says.

    The weights of the arms add up to 1. ``salt`` draws the units, independently of every other experiment; the name
    where it is empty.
    """

    name: str
    arms: tuple[ExperimentArm, ...]
    share: float = 1.0
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """What a loop serves. ``generation`` only grows; ``share`` of the units, in [0, 1], meet the canary.

    ``standby`` is kept loaded, so that going back to it takes one swap. ``salt`` draws a new split for each
    rollout. ``halted`` versions keep their units in experiments, but are not asked: the champion answers them.
    Raises: InvalidInput when the parts contradict each other.
    """

    loop: str
    generation: int
    champion: str | None
    canary: str | None = None
    share: float = 0.0
    standby: str | None = None
    salt: str = ""
    shadows: tuple[Shadow, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    halted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shares = [self.share, *(one.share for one in self.shadows), *(one.share for one in self.experiments)]
        if self.generation < 0 or not all(0.0 <= share <= 1.0 for share in shares):
            raise self._contradicts(
                f"has generation {self.generation} and shares {', '.join(map(str, shares))}",
                "Generations start at 0; a share lies between 0 and 1.",
            )
        if self.champion is None and (self.canary or self.shadows or self.experiments):
            raise self._contradicts(
                "has a canary, a shadow or an experiment, but no champion to answer for it",
                "Make the first version champion.",
            )
        for one in self.experiments:
            weights = [arm.weight for arm in one.arms]
            if not all(weight > 0.0 for weight in weights) or abs(sum(weights) - 1.0) > 1e-9:
                raise self._contradicts(
                    f"has the experiment {one.name!r} with arms of weight {', '.join(map(str, weights)) or 'none'}",
                    "Give weights above 0 that add up to 1.",
                )
        names = [one.name for one in self.experiments]
        if len(self.shadows) > _MOST_SHADOWS or len(set(names)) < len(names):
            raise self._contradicts(
                f"has {len(self.shadows)} shadows and the experiments {', '.join(names) or 'none'}",
                f"Have at most {_MOST_SHADOWS} shadows, and one experiment of a name.",
            )

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that the route names, champion first, without repetition."""
        named = (self.champion, self.canary, self.standby, *self.candidates, *(one.version for one in self.shadows))
        return tuple(dict.fromkeys(version for version in named if version is not None))

    @property
    def candidates(self) -> tuple[str, ...]:
        """Versions that answer some units instead of the champion: what they do must not harm it."""
        named = dict.fromkeys((self.canary, *self.arms))
        return tuple(version for version in named if version not in (None, self.champion))

    @property
    def arms(self) -> tuple[str, ...]:
        """Versions that only experiments ask, without those that are halted."""
        named = dict.fromkeys(arm.version for one in self.experiments for arm in one.arms)
        return tuple(version for version in named if version not in (self.champion, self.canary, *self.halted))

    @property
    def divided(self) -> bool:
        """Whether units may meet anyone but the champion."""
        return bool(self.experiments) or (self.canary is not None and self.share > 0.0)

    def _contradicts(self, how: str, mend: str) -> InvalidInput:
        return InvalidInput(f"The route of {self.loop!r} {how}.", mend=mend, loop=self.loop)


def place_for(route: Route, unit: str) -> tuple[Arm, str | None]:
    """The arm of a unit and its version, the same on every replica and after every restart.

    Raising a share moves units only into the arm, lowering it only out. A rollout comes before experiments, and of
    two experiments the one that is listed first.

    >>> route = Route("late", 1, "v1", canary="v2", share=0.5, salt="r1")
    >>> [place_for(route, unit) for unit in ("a", "b", "c")]
    [('canary', 'v2'), ('champion', 'v1'), ('champion', 'v1')]
    """
    if route.canary is not None and route.share > 0.0 and place_of(route.salt, unit) < route.share:
        return "canary", route.canary
    for one in route.experiments:
        arm = _arm_in(one, place_of(one.salt or one.name, unit))
        if arm is not None:
            return f"{one.name}/{arm.name}", arm.version
    return "champion", route.champion


def shadows_of(route: Route, unit: str) -> list[str]:
    """The versions that see a unit's rows without answering for them."""
    return [
        shadow.version
        for shadow in route.shadows
        if shadow.share >= 1.0 or place_of(f"shadow/{shadow.version}", unit) < shadow.share
    ]


def place_of(salt: str, unit: str) -> float:
    """Where a unit stands in [0, 1), uniformly and independently for each salt."""
    drawn = blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8, key=_key(salt)).digest()
    return int.from_bytes(drawn, "big") / 2.0**64


def _arm_in(experiment: Experiment, place: float) -> ExperimentArm | None:
    """Each arm has a stretch of its own, of which the experiment's share is used: a greater share moves nobody over."""
    begins = 0.0
    for arm in experiment.arms:
        if begins <= place < begins + arm.weight * experiment.share:
            return arm
        begins += arm.weight
    return None


def _key(salt: str) -> bytes:
    return salt.encode() if len(salt) <= 16 else blake2b(salt.encode(), digest_size=32).digest()
