"""What was made of what, as a graph that one can walk both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from homeostat.kernel.errors import InvalidInput

NodeKind = Literal["table", "definition", "leg", "training_set", "version", "decision", "predictions", "consumer"]
"""In the order in which one is made of another; a leg is a model's code, config or environment."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing, by an ``id`` of its own within a graph; ``facts`` are JSON values that a person may want to see."""

    id: str
    kind: NodeKind
    label: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """``target`` depends on ``source``; ``how`` says in which way, such as "reads"."""

    source: str
    target: str
    how: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes, and what leads from one to another. Raises: InvalidInput for an edge that leads to no node.

    >>> made = Graph((Node("a", "table", "a"), Node("b", "version", "b")), (Edge("a", "b", "trained"),))
    >>> made.after("a"), made.before("b")
    ({'b'}, {'a'})
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        known = {node.id for node in self.nodes}
        for edge in self.edges:
            if not {edge.source, edge.target} <= known:
                mend = "Add the node that is missing, or leave the edge out."
                raise InvalidInput(f"{edge.source} to {edge.target} leads out of the graph.", mend=mend)

    def after(self, *of: str) -> set[str]:
        """All that depends on some nodes, directly or not."""
        return _reached(of, ((edge.source, edge.target) for edge in self.edges))

    def before(self, *of: str) -> set[str]:
        """All that some nodes depend on, directly or not."""
        return _reached(of, ((edge.target, edge.source) for edge in self.edges))


def _reached(of: Iterable[str], steps: Iterable[tuple[str, str]]) -> set[str]:
    leads: dict[str, list[str]] = {}
    for here, there in steps:
        leads.setdefault(here, []).append(there)
    found: set[str] = set()
    pending = list(of)
    while pending:
        new = [one for one in leads.get(pending.pop(), ()) if one not in found]
        found.update(new)
        pending += new
    return found
