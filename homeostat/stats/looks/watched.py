"""What a figure's bounds are worth when one looks again: at every look, or at one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.looks.sequential import part_of_look

if TYPE_CHECKING:
    from homeostat.stats.intervals import Interval

Guarantee = Literal["every_look", "fixed_look"]


class Bounding(Protocol):
    """An interval of one figure at a confidence that is chosen by the caller."""

    def __call__(self, *, confidence: float) -> Interval:
        """Bounds that miss the figure with probability at most ``1 - confidence``."""
        ...


@dataclass(frozen=True, slots=True)
class Looked:
    """Bounds with what they promise: over all looks together they err with at most ``1 - confidence``.

    ``every_look``: theory for bounded means promises it whenever one looks. ``fixed_look``: bounds
    for one look, made wider for look number ``look``; good only as far as the underlying interval covers.
    """

    interval: Interval
    guarantee: Guarantee
    look: int
    confidence: float

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        return {
            "interval": self.interval.to_json(),
            "guarantee": self.guarantee,
            "look": self.look,
            "confidence": self.confidence,
        }


def every_look(bounding: Bounding, *, look: int, confidence: float = 0.95) -> Looked:
    """Bounds of a sequence, such as ``BoundedMean.interval``, which need no correction.

    Raises: as ``bounding``.
    """
    return Looked(bounding(confidence=confidence), "every_look", look, confidence)


def fixed_look(bounding: Bounding, *, look: int, looks: int | None = None, confidence: float = 0.95) -> Looked:
    """Bounds for a figure that has no sequence, such as AUC or an unbounded loss, corrected for looking again.

    Args: ``look`` counts from 1. With ``looks`` known in advance each gets the same part of the error budget; without,
    look n gets ``part_of_look(n)`` of it, so that all of them, however many, share one.
    Raises: InvalidInput for a look that is not planned, or confidence outside (0, 1); as ``bounding``.

    >>> from functools import partial
    >>> from homeostat.stats.intervals import block_mean_from_sums
    >>> by_day = partial(block_mean_from_sums, [3.0, 5.0, 4.0, 4.0], [10, 10, 10, 10])
    >>> found = fixed_look(by_day, look=2, looks=5)
    >>> found.guarantee, round(found.interval.confidence, 3), found.confidence
    ('fixed_look', 0.99, 0.95)
    """
    if not 0.0 < confidence < 1.0:
        raise InvalidInput(f"{confidence} is no confidence.", mend="Pass a number in (0, 1), such as 0.95.")
    if looks is not None and not 1 <= look <= looks:
        raise InvalidInput(f"Look {look} of {looks} is not planned.", mend="Plan more looks, or leave looks out.")
    part = part_of_look(look) if looks is None else 1.0 / looks
    return Looked(bounding(confidence=1.0 - (1.0 - confidence) * part), "fixed_look", look, confidence)
