"""What every task keeps of a block of labelled answers: sums that add, a loss, and figures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self


class Sums(ABC):
    """The labelled rows of one block, boiled down. ``rows`` is how many, ``loss`` their summed primary loss.

    Differences of the loss per row are told in ``unit``: 1 where the loss has a unit of its own, such as nats.
    """

    __slots__ = ()

    if TYPE_CHECKING:  # fields of frozen dataclasses, which take what is there for a default

        @property
        def rows(self) -> int: ...
        @property
        def loss(self) -> float: ...
        @property
        def unit(self) -> float: ...

    @abstractmethod
    def __add__(self, other: Any) -> Self: ...

    @abstractmethod
    def constant(self) -> float:
        """What the best constant answer costs a row, over which skill is measured; 0 where outcomes do not differ."""

    @abstractmethod
    def times(self, count: int) -> Self:
        """The sums of rows of which each stands for so many alike."""

    @abstractmethod
    def figure(self, name: str) -> float:
        """A figure of these rows. Raises: NotEnoughData where it is undefined."""

    @abstractmethod
    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
