"""The policy as a value, and its combinations: ``a | b``, ``a & b`` and ``at_least(2, a, b, c)``."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from homeostat.control.policies.findings import Finding, combine
from homeostat.control.policies.situation import Situation
from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.errors import InvalidInput

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Needs:
    """How many windows of what a policy looks at; ``trails`` by days and confidence, ``drift`` by signal and span."""

    trails: Mapping[tuple[int, float], int] = field(default_factory=dict)
    drift: Mapping[tuple[str, int], int] = field(default_factory=dict)
    labelled: int = 0
    estimated: int = 0
    outlook: int = 0

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            _longest(self.trails, other.trails),
            _longest(self.drift, other.drift),
            max(self.labelled, other.labelled),
            max(self.estimated, other.estimated),
            max(self.outlook, other.outlook),
        )


class Policy:
    """When to retrain: a frozen value that is judged from a `Situation` and nothing else.

    Combine two with ``|`` (either suffices) and ``&`` (both are needed). Three values are kept apart: what cannot be
    known is INCONCLUSIVE, and that never fires by itself.
    """

    __slots__ = ()
    kind: ClassVar[str] = ""

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many windows before the newest."""
        raise NotImplementedError

    def needs(self, windows: int = 1) -> Needs:
        """What it looks at, judged as of each of the last ``windows``."""
        raise NotImplementedError

    @property
    def parts(self) -> tuple[Policy, ...]:
        """The policies that it is made of; none for a single one."""
        return ()

    @property
    def floor(self) -> bool:
        """Whether it only holds back what others fire."""
        return False

    @property
    def ceiling(self) -> bool:
        """Whether it fires at the latest after a time, whatever others say."""
        return False

    def _keep_number(self, name: str, *, low: float = -math.inf, high: float = math.inf) -> None:
        """Check a field, and keep it as a float: 0 and 0.0 are one policy, with one version."""
        object.__setattr__(self, name, number(self.kind, getattr(self, name), name, low=low, high=high))

    def judge(self, seen: Situation) -> Finding:
        """RETRAIN, HOLD or INCONCLUSIVE, with reasons that quote both sides."""
        return self.at(seen, 0)

    def walk(self) -> Iterator[Policy]:
        """It and all that it is made of."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def to_json(self) -> dict[str, Any]:
        """The canonical form: its kind and every field."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return {"kind": self.kind, **{one.name: _form(getattr(self, one.name)) for one in fields}}

    @staticmethod
    def from_json(form: Mapping[str, Any]) -> Policy:
        """A policy of any kind from its form; fields left out have their defaults.

        Raises: InvalidInput for an unknown kind or field, and for what the policy itself refuses.

        >>> Policy.from_json({"kind": "schedule", "at_latest": "30d"})
        Schedule(at_latest='30d', not_before=None)
        """
        from homeostat.control.policies.forms import policy_of

        return policy_of(form)

    @property
    def version(self) -> str:
        """The hash of the canonical form."""
        return digest(self.to_json())

    def __or__(self, other: Policy) -> Policy:
        return AnyOf((*_flat(AnyOf, self), *_flat(AnyOf, other)))

    def __and__(self, other: Policy) -> Policy:
        return AllOf((*_flat(AllOf, self), *_flat(AllOf, other)))


@dataclass(frozen=True, slots=True)
class AnyOf(Policy):
    """One of these suffices; written ``a | b``."""

    of: tuple[Policy, ...]
    kind: ClassVar[str] = "any"

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", _members(self.kind, self.of))
        if any(one.floor for one in self.of):
            raise InvalidInput(
                "A schedule's floor does not hold back what another policy of | fires.",
                mend="Combine it by &, such as hs.Drift() & hs.Schedule(not_before='7d'); or give Retrain a cool_down.",
            )

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many windows before the newest."""
        return combine(self.kind, 1, [one.at(seen, back) for one in self.of])

    def needs(self, windows: int = 1) -> Needs:
        """What its parts look at."""
        return _needs(self.of, windows)

    @property
    def parts(self) -> tuple[Policy, ...]:
        """The policies of which one suffices."""
        return self.of


@dataclass(frozen=True, slots=True)
class AllOf(Policy):
    """All of these are needed; written ``a & b``."""

    of: tuple[Policy, ...]
    kind: ClassVar[str] = "all"

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", _members(self.kind, self.of))
        if any(one.ceiling for one in self.of):
            raise InvalidInput(
                "A schedule's ceiling is none where another policy must fire too.",
                mend="Combine it by |, such as hs.Realised() | hs.Schedule(at_latest='60d').",
            )

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many windows before the newest."""
        return combine(self.kind, len(self.of), [one.at(seen, back) for one in self.of])

    def needs(self, windows: int = 1) -> Needs:
        """What its parts look at."""
        return _needs(self.of, windows)

    @property
    def parts(self) -> tuple[Policy, ...]:
        """The policies that are all needed."""
        return self.of


@dataclass(frozen=True, slots=True)
class AtLeast(Policy):
    """``count`` of these are needed; written ``at_least(2, a, b, c)``."""

    count: int
    of: tuple[Policy, ...]
    kind: ClassVar[str] = "at_least"

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", _members(self.kind, self.of))
        whole(self.kind, "count", self.count, least=1)
        if not 1 < self.count < len(self.of):
            raise InvalidInput(
                f"at_least({self.count}, ...) of {len(self.of)} policies is no choice between them.",
                mend=f"Give a count from 2 to {len(self.of) - 1}; one of them is a | b, all of them are a & b.",
                count=self.count,
                policies=len(self.of),
            )

    def at(self, seen: Situation, back: int) -> Finding:
        """What the policy says as of so many windows before the newest."""
        return combine(self.kind, self.count, [one.at(seen, back) for one in self.of])

    def needs(self, windows: int = 1) -> Needs:
        """What its parts look at."""
        return _needs(self.of, windows)

    @property
    def parts(self) -> tuple[Policy, ...]:
        """The policies of which some are needed."""
        return self.of


def at_least(count: int, *policies: Policy) -> AtLeast:
    """``count`` of the policies are needed: for signals that err alone but seldom together.

    Raises: InvalidInput for a count that is none of them, one or all.
    """
    return AtLeast(count, policies)


def number(kind: str, value: object, name: str, *, low: float = -math.inf, high: float = math.inf) -> float:
    """The value as a float. Raises: InvalidInput unless it lies between both bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low < value < high:
        bounds = [f"above {low:g}"] * math.isfinite(low) + [f"below {high:g}"] * math.isfinite(high)
        mend = f"Give {name} as a number {' and '.join(bounds) or 'that is finite'}."
        raise InvalidInput(f"{kind}: {name}={value!r} will not do.", mend=mend, name=name)
    return float(value)


def whole(kind: str, name: str, value: object, *, least: int) -> None:
    """Raises: InvalidInput for what is no whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        mend = f"Give {name} as a whole number of at least {least}."
        raise InvalidInput(f"{kind}: {name}={value!r} will not do.", mend=mend, name=name)


def policy_in(kind: str, value: object) -> Policy:
    """Raises: InvalidInput for what is no policy."""
    if not isinstance(value, Policy):
        raise InvalidInput(
            f"{kind}: {value!r} is no policy.",
            mend="Give policies, such as hs.Realised() | hs.Schedule(at_latest='60d').",
        )
    return value


def _members(kind: str, given: Sequence[object]) -> tuple[Policy, ...]:
    found = tuple(policy_in(kind, one) for one in given)
    if len(found) < 2 or len(set(found)) < len(found):
        raise InvalidInput(
            f"{kind}: {len(found)} policies, {len(set(found))} of them different, are no combination.",
            mend="Combine two different policies or more; one alone needs no combination.",
        )
    return found


def _needs(parts: Sequence[Policy], windows: int) -> Needs:
    found = Needs()
    for part in parts:
        found = found | part.needs(windows)
    return found


def _flat(into: type[AnyOf] | type[AllOf], one: object) -> tuple[Policy, ...]:
    if isinstance(one, into):
        return one.of
    return (policy_in(into.kind, one),)


def _form(value: object) -> object:
    if isinstance(value, Policy):
        return value.to_json()
    if isinstance(value, tuple):
        return [_form(one) for one in value]
    return plain(value)


def _longest(one: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    return {key: max(one.get(key, 0), other.get(key, 0)) for key in (*one, *other)}
