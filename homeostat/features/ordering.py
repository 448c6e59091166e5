"""The order in which transforms run, whatever the order they were declared in."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from homeostat.features.transforms import Transform
from homeostat.kernel.errors import InvalidInput


def in_running_order(transforms: Sequence[Transform]) -> tuple[Transform, ...]:
    """Each transform after those that it takes.

    Raises: InvalidInput naming the members of a cycle.
    """
    by_name = {one.name: one for one in transforms}
    graph = {one.name: [name for name in one.arguments if name in by_name] for one in transforms}
    try:
        return tuple(by_name[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        members = [by_name[name] for name in reversed(error.args[1])]
        told = " takes ".join(one.described for one in members)
        raise InvalidInput(
            f"These transforms wait for each other: {told}.",
            mend="Break the circle: compute one of them without the others.",
            transforms=[one.name for one in members[:-1]],
        ) from error
