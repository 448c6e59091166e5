"""Which facts a question may see: positions and visibility of all questions at once, in NumPy.

A fact is seen by a question at (t, s) when its event time is at most t and ``born <= s < died``: accepted by
s, and not yet superseded by a later fact of its key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from homeostat.features.grouping import Grouped, by_entity
from homeostat.features.ranges import Ints

NEVER = np.iinfo(np.int64).max
"""The death of a fact that was not superseded."""
_EXPANDED = 4_000_000
"""Facts looked at one by one in one go: bounds memory, some 100 MB."""
_ROOM = 2**62
"""Entity and quantity are kept in one integer below this."""
_STEPS = 16
"""Hidden facts looked at one by one before whole blocks are skipped: few are hidden in ordinary tables."""
_LEVELS = 12
"""Visibility is skipped over in blocks of up to 2**11 facts."""


@dataclass(frozen=True)
class Timeline:
    """Facts in order of (entity, time, born); ``row`` is each one's place in its table."""

    entity: Ints
    time: Ints
    born: Ints
    died: Ints
    row: Ints

    def where(self, kept: npt.NDArray[np.bool_]) -> Timeline:
        """The facts that are kept, still in order."""
        return Timeline(self.entity[kept], self.time[kept], self.born[kept], self.died[kept], self.row[kept])

    def unseen(self, hidden: npt.NDArray[np.bool_]) -> Timeline:
        """All facts in their places, of which some are never seen."""
        return replace(self, died=np.where(hidden, -1, self.died))


@dataclass(frozen=True)
class Questions:
    """What is asked: entity (-1: matches nothing), time, and the sequence known."""

    entity: Ints
    time: Ints
    known: Ints


@dataclass(frozen=True)
class Block:
    """Some questions and the facts each may see: ``facts[low[i]:high[i]]`` are those of ``questions[i]``."""

    questions: Ints
    facts: Ints
    low: Ints
    high: Ints


class Ladder:
    """Finds, per entity, how far its facts' running maximum of some quantity stays within a bound.

    Entity and quantity share one integer where they fit; otherwise the quantity is replaced by its rank.
    """

    def __init__(self, entity: Ints, quantity: Ints) -> None:
        self._least = int(quantity.min(initial=0))
        self._width = int(quantity.max(initial=0)) - self._least + 2
        self._steps: Ints | None = None
        if self._width * (int(entity.max(initial=0)) + 2) >= _ROOM:
            self._steps = np.unique(quantity)
            self._width = len(self._steps) + 2
        if self._steps is None and self._least > -NEVER:
            self._rungs = entity * self._width  # in place: much of the time goes into new memory
            self._rungs += quantity
            self._rungs -= self._least - 1
        else:
            self._rungs = self._key(entity, quantity)
        if not ascending(self._rungs):
            self._rungs = np.maximum.accumulate(self._rungs)

    def reach(self, entity: Ints, bound: Ints) -> Ints:
        """The position after the entity's leading facts whose quantity is at most ``bound``."""
        return np.searchsorted(self._rungs, self._key(entity, bound), side="right").astype(np.int64, copy=False)

    def within(self, entity: Ints, bound: Ints, high: Ints) -> Ints:
        """The lesser of ``reach`` and ``high``; cheap where all facts before ``high`` are within the bound."""
        if not len(self._rungs):
            return np.zeros_like(high)
        key = self._key(entity, bound)
        beyond = np.flatnonzero((high > 0) & (self._rungs[high - 1] > key))
        found = high.copy()
        found[beyond] = np.minimum(high[beyond], np.searchsorted(self._rungs, key[beyond], side="right"))
        return found

    def _key(self, entity: Ints, quantity: Ints) -> Ints:
        if self._steps is not None:
            return entity * self._width + np.searchsorted(self._steps, quantity, side="right")
        lowest = max(self._least - 1, -NEVER)
        inside = np.clip(quantity, lowest, self._least + self._width - 2)
        return entity * self._width + (inside - lowest)


def ascending(values: npt.NDArray[Any]) -> bool:
    """Whether no value is less than the one before it."""
    return bool((values[1:] >= values[:-1]).all())


def in_order(entity: Ints, *lesser: Ints) -> Ints:
    """The places of rows sorted by entity (-1 or more), then by each lesser key.

    Keys that are in order already cost one look; entities are sorted by their digits of 16 bits.
    """
    order: Ints | None = None
    for key in reversed(lesser):
        order = _then_by(key, order)
    for shift in range(0, (int(entity.max(initial=-1)) + 1).bit_length(), 16):
        order = _then_by(_digits(entity, shift), order)
    return np.arange(len(entity)) if order is None else order


def _digits(entity: Ints, shift: int) -> npt.NDArray[np.uint16]:
    """Sixteen bits of every entity plus one."""
    return ((entity + 1) >> shift).astype(np.uint16) if shift else entity.astype(np.uint16) + np.uint16(1)


def _then_by(key: npt.NDArray[Any], order: Ints | None) -> Ints | None:
    """The order refined by a key that weighs more; None is the order given."""
    here = key if order is None else key[order]
    if ascending(here):
        return order
    finer = np.argsort(here, kind="stable")
    return finer if order is None else order[finer]


def grouped(entity: Ints, time: Ints, born: Ints) -> Grouped:
    """Times and sequences of the facts of one view in order; facts about no entity (-1) are left out."""
    return by_entity(entity, time, born, _then_by(time, _then_by(born, None)))


def timeline(found: Grouped, died: Ints) -> Timeline:
    """The facts in order, with what became of each; ``died`` is in the order of the table."""
    return Timeline(found.entity, found.one, found.other, _placed(died, found.place), found.place)


def _placed(died: Ints, row: Ints) -> Ints:
    """``died[row]``: almost all are NEVER, so that only where the others went is looked for."""
    ends = died != NEVER
    found = np.full(len(row), NEVER)
    at = np.flatnonzero(ends[row])
    found[at] = died[row[at]]
    return found


def deaths(key: Ints, born: Ints) -> Ints:
    """When each fact is superseded: the next sequence of its key, or NEVER."""
    order = in_order(key, born)
    follows = key[order[1:]] == key[order[:-1]]
    died = np.full(len(key), NEVER)
    died[order[:-1][follows]] = born[order[1:][follows]]
    return died


def seen(facts: Timeline, asked: Questions, low: Ints, high: Ints) -> Iterator[Block]:
    """Of the facts in ``[low, high)`` keep those each question may see, looking at them one by one."""
    chosen = np.flatnonzero(high > low)
    ends = np.cumsum((high - low)[chosen])
    begin = 0
    while begin < len(chosen):
        done = int(ends[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + _EXPANDED, side="right")))
        yield _seen_by(chosen[begin:end], facts, asked, low, high)
        begin = end


def _seen_by(questions: Ints, facts: Timeline, asked: Questions, low: Ints, high: Ints) -> Block:
    lengths = (high - low)[questions]
    ends = np.cumsum(lengths)
    begins = ends - lengths
    flat = np.arange(ends[-1]) + np.repeat(low[questions] - begins, lengths)
    known = np.repeat(asked.known[questions], lengths)
    visible = (facts.born[flat] <= known) & (known < facts.died[flat])
    before = np.concatenate(([0], np.cumsum(visible)))
    return Block(questions, flat[visible], before[begins], before[ends])


def last_seen(facts: Timeline, asked: Questions, low: Ints, high: Ints) -> Ints:
    """The last position of ``[low, high)`` that each question may see; -1 when there is none.

    Walks back from ``high``; where the nearest facts are hidden, whole blocks are skipped that were all
    accepted too late, or all superseded by then.
    """
    found = np.full(len(low), -1)
    end = high.copy()
    pending = np.flatnonzero(low < high)
    skips: list[tuple[Ints, Ints]] = []
    for step in count():
        if not len(pending):
            break
        at = end[pending] - 1
        known = asked.known[pending]
        visible = (facts.born[at] <= known) & (known < facts.died[at])
        found[pending[visible]] = at[visible]
        end[pending] = at
        pending = pending[~visible & (at > low[pending])]
        if len(pending) and step >= _STEPS:
            skips = skips or _block_bounds(facts)
            _skip(skips, asked, low, end, pending)
            pending = pending[end[pending] > low[pending]]
    return found


def _block_bounds(facts: Timeline) -> list[tuple[Ints, Ints]]:
    """Per level k: the least birth and the greatest death of every 2**k neighbours."""
    bounds = [(facts.born, facts.died)]
    while len(bounds) < _LEVELS and len(bounds[-1][0]) > (1 << (len(bounds) - 1)):
        born, died = bounds[-1]
        step = 1 << (len(bounds) - 1)
        bounds.append((np.minimum(born[:-step], born[step:]), np.maximum(died[:-step], died[step:])))
    return bounds


def _skip(skips: list[tuple[Ints, Ints]], asked: Questions, low: Ints, end: Ints, pending: Ints) -> None:
    """Move ``end`` back over hidden blocks, the largest first."""
    known = asked.known[pending]
    for k in reversed(range(len(skips))):
        born, died = skips[k]
        begin = end[pending] - (1 << k)
        fits = np.flatnonzero(begin >= low[pending])
        first = begin[fits]
        hidden = (born[first] > known[fits]) | (died[first] <= known[fits])
        end[pending[fits[hidden]]] = first[hidden]
