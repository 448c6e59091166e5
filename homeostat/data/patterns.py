"""Patterns of texts that every engine reads alike, in time proportional to the text, whatever the pattern.

The syntax is what Python's ``re`` and linear-time engines share: characters, ``.``, classes, groups, ``|`` and
counts. A pattern covers the whole text; ``\\d \\w \\s`` are ASCII. The matcher is a lazily built automaton, so no
pattern can be made to backtrack.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import getitem

from homeostat.data.syntax import Alternatives, Characters, Node, Repeat, Sequence, parse
from homeostat.kernel.errors import InvalidInput

MOST_STATES = 2_000
"""States of one automaton; a count such as ``{1,500}`` costs as many."""
_MOST_KNOWN = 4_000
"""Steps that one automaton remembers; beyond, they are computed anew."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One readable pattern: ``matches`` tells whether it covers a text, ``portable`` is its form for other engines."""

    text: str
    portable: str
    _start: _Step = field(compare=False, repr=False)

    def matches(self, value: str) -> bool:
        """Whether the pattern covers all of ``value``.

        >>> pattern = compile_pattern(r"N\\d{1,5}[A-Z]{0,2}")
        >>> pattern.matches("N12345AB"), pattern.matches("N12345AB ")
        (True, False)
        """
        return reduce(getitem, value, self._start).accepts


@lru_cache(maxsize=1024)
def compile_pattern(text: str) -> Pattern:
    """Read a pattern once.

    Raises: InvalidInput naming the place and the mend when it cannot be read, is not in the shared syntax, or
    needs more than 2,000 states.
    """
    tree = parse(text)
    machine = _Machine(text)
    start = machine.build(tree, machine.end)
    return Pattern(text, rf"\A(?:{portable(tree)})\z", machine.step(machine.closure({start})))


def portable(node: Node) -> str:
    """The node for an engine that writes characters as ``\\x{41}`` and matches in linear time."""
    match node:
        case Characters():
            return _portable_class(node)
        case Sequence(parts):
            return "".join(portable(part) for part in parts)
        case Alternatives(choices):
            return "(?:" + "|".join(portable(choice) for choice in choices) + ")"
        case Repeat(part, low, high):
            return f"(?:{portable(part)}){{{low},{'' if high is None else high}}}"


def _portable_class(node: Characters) -> str:
    ranges = "".join(rf"\x{{{ord(low):X}}}-\x{{{ord(high):X}}}" for low, high in node.ranges)
    return f"[{'^' if node.negated else ''}{ranges}]"


class _Step(dict[str, "_Step"]):
    """Where the automaton stands: the next step by character, found when first needed."""

    __slots__ = ("_machine", "_states", "accepts")

    def __init__(self, machine: _Machine, states: frozenset[int]) -> None:
        super().__init__()
        self._machine, self._states = machine, states
        self.accepts = machine.end in states

    def __missing__(self, character: str) -> _Step:
        found = self._machine.next(self._states, character)
        if self._machine.remembers():
            self[character] = found
        return found


class _Machine:
    """States that read a character, and where they lead without reading one (Thompson's construction)."""

    def __init__(self, text: str) -> None:
        self.end = 0
        self._text = text
        self._reads: list[tuple[Characters, int] | None] = [None]
        self._leads: list[list[int]] = [[]]
        self._steps: dict[frozenset[int], _Step] = {}
        self._known = 0

    def build(self, node: Node, after: int) -> int:
        """States that read ``node`` and go on at ``after``; the first of them."""
        match node:
            case Characters():
                return self._state(reads=(node, after))
            case Sequence(parts):
                for part in reversed(parts):
                    after = self.build(part, after)
                return after
            case Alternatives(choices):
                return self._state(leads=[self.build(choice, after) for choice in choices])
            case Repeat(part, low, high):
                return self._repeat(part, low, high, after)

    def closure(self, states: set[int]) -> frozenset[int]:
        """The states reached without reading anything."""
        found, waiting = set(states), list(states)
        while waiting:
            fresh = [state for state in self._leads[waiting.pop()] if state not in found]
            found.update(fresh)
            waiting += fresh
        return frozenset(state for state in found if self._reads[state] is not None or state == self.end)

    def next(self, states: frozenset[int], character: str) -> _Step:
        """Where one character leads from some states."""
        reached = {read[1] for state in states if (read := self._reads[state]) and read[0].holds(character)}
        return self.step(self.closure(reached))

    def step(self, states: frozenset[int]) -> _Step:
        """The one step of a set of states."""
        found = self._steps.get(states)
        if found is None:
            found = _Step(self, states)
            if self.remembers():
                self._steps[states] = found
        return found

    def remembers(self) -> bool:
        """Whether one more step may be kept: a text of many characters must not fill the memory."""
        self._known += self._known < _MOST_KNOWN
        return self._known < _MOST_KNOWN

    def _repeat(self, part: Node, low: int, high: int | None, after: int) -> int:
        if high is None:
            again = self._state(leads=[after])
            self._leads[again].append(self.build(part, again))
            after = again
        else:
            leave = after
            for _ in range(high - low):
                after = self._state(leads=[self.build(part, after), leave])
        for _ in range(low):
            after = self.build(part, after)
        return after

    def _state(self, reads: tuple[Characters, int] | None = None, leads: list[int] | None = None) -> int:
        if len(self._reads) >= MOST_STATES:
            mend = f"Use smaller counts: it may need {MOST_STATES} states at most."
            raise InvalidInput(f"Pattern {self._text!r} is too large.", mend=mend)
        self._reads.append(reads)
        self._leads.append(leads or [])
        return len(self._reads) - 1
