"""What a trace is made of: W3C Trace Context on the wire, and spans that have ended. Nothing here needs a library."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["server", "client", "internal"]
Fact = str | bool | int | float | Sequence[str]
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KEY = r"(?:[a-z0-9][a-z0-9_\-*/@]{0,255})"
_MEMBER = re.compile(rf"({_KEY})=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e])")
_MOST_MEMBERS = 32
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which trace one is: what is passed on to whoever is asked.

    ``state`` is what other systems want passed on with it, checked; empty where there is none.
    """

    trace_id: int
    span_id: int
    sampled: bool
    state: str = ""

    @property
    def traceparent(self) -> str:
        """The header of that name.

        >>> Place(1, 2, True).traceparent
        '00-00000000000000000000000000000001-0000000000000002-01'
        """
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{self.sampled:02x}"


@dataclass(frozen=True, slots=True)
class Span:
    """Something that was done, from ``began`` to ``ended`` (Unix nanoseconds), at ``place``.

    ``parent`` is the id of the span that it belongs to, 0 for none; ``remote`` says that another process made that.
    ``failed`` says why it did not do what it should; None where it did.
    """

    name: str
    kind: Kind
    place: Place
    parent: int
    began: int
    ended: int
    facts: Mapping[str, Fact] = field(default_factory=dict)
    remote: bool = False
    failed: str | None = None


def place_of(parents: Sequence[str], states: Sequence[str]) -> Place | None:
    """The caller's place, from the values of its headers ``traceparent`` and ``tracestate``.

    None where the recommendation says that a trace begins here: no header, several, or one that is not well-formed.
    A ``tracestate`` that is not well-formed is left out, and the rest holds.

    >>> place_of(["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"], ["a=1"]).state
    'a=1'
    """
    found = _PARENT.fullmatch(parents[0].strip(" \t")) if len(parents) == 1 else None
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    trace_id, span_id = int(trace, 16), int(span, 16)
    if version == "ff" or (version == "00" and more) or not (trace_id and span_id):
        return None
    return Place(trace_id, span_id, bool(int(flags, 16) & _SAMPLED), _state_of(states) if states else "")


def _state_of(states: Sequence[str]) -> str:
    members = [stripped for state in states for member in state.split(",") if (stripped := member.strip(" \t"))]
    found = [_MEMBER.fullmatch(member) for member in members]
    keys = {one[1] for one in found if one}
    return ",".join(members) if len(keys) == len(members) <= _MOST_MEMBERS else ""
