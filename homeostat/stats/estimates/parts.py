"""What a day keeps of rows of which only some have a label that counts, so that estimates can be made of it later."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.stats.figures.number_sums import NumberSums


@dataclass(frozen=True, slots=True)
class Stratum:
    """Like predictions of a day: ``rows`` in all, of which ``labelled`` have a label; ``sums`` are of these, each as
    often as it stands for rows. ``place`` orders strata, and is the same for the same prediction on every day."""

    place: int
    rows: int
    labelled: int
    sums: NumberSums


@dataclass(frozen=True, slots=True)
class Foretold:
    """Rows of a day of which only some have a label that counts: the sums foretold of ``every`` one, and of the
    labelled ones, each as often as it stands for rows, those foretold (``drawn``) and those that came (``stood``)."""

    every: NumberSums
    drawn: NumberSums
    stood: NumberSums

    @classmethod
    def nothing(cls, level: float | None) -> Foretold:
        """Of a day on which all labels count."""
        none = NumberSums.of([], [], level=level)
        return cls(none, none, none)
