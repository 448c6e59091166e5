"""Drift as a day keeps it: figures by the place of their subject and words by number, for there are many of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from homeostat.monitoring.drifting import Drifted

_DIGITS = 5


@dataclass(frozen=True, slots=True)
class KeptFigures:
    """One measure over one length of window, by the place of each subject; a subject without it has no limit.

    ``kinds``, ``why`` and ``unknown`` are numbers of the day's words; 0 is none.
    """

    measure: str
    span: int
    values: tuple[float | None, ...]
    limits: tuple[float | None, ...]
    blocks: tuple[float, ...]
    kinds: tuple[int, ...]
    why: tuple[int, ...]
    unknown: tuple[int, ...]
    season: bool = False


@dataclass(frozen=True, slots=True)
class KeptDrift:
    """All that was measured of a day's drift; goes through as the `Drifted` it was made of, to five digits."""

    subjects: tuple[str, ...] = ()
    words: tuple[str, ...] = ("",)
    figures: tuple[KeptFigures, ...] = ()

    @classmethod
    def of(cls, parts: Sequence[Drifted]) -> KeptDrift:
        """Keep what was measured.

        >>> seen = (Drifted("psi", 1, {"hour": 0.31, "dest": None}, {"hour": 0.2, "dest": 0.2},
        ...                 {"hour": "customary"}, {}, {}, {"dest": "too_few_rows"}),)
        >>> next(iter(KeptDrift.of(seen))).unknown
        {'dest': 'too_few_rows'}
        """
        subjects = tuple(dict.fromkeys(name for part in parts for name in part.values))
        said = [word for part in parts for told in (part.kinds, part.why, part.unknown) for word in told.values()]
        words = tuple(dict.fromkeys(["", *said]))
        return cls(subjects, words, tuple(_figures(part, subjects, words) for part in parts))

    def __iter__(self) -> Iterator[Drifted]:
        return (self._drifted(one) for one in self.figures)

    def __bool__(self) -> bool:
        return bool(self.figures)

    def _drifted(self, one: KeptFigures) -> Drifted:
        of = [(name, place) for place, name in enumerate(self.subjects) if one.limits[place] is not None]
        kinds, why, unknown = (
            {name: self.words[told[place]] for name, place in of if told[place]}
            for told in (one.kinds, one.why, one.unknown)
        )
        return Drifted(
            measure=one.measure,
            span=one.span,
            values={name: one.values[place] for name, place in of},
            limits={name: limit for name, place in of if (limit := one.limits[place]) is not None},
            kinds=kinds,  # type: ignore[arg-type]
            why=why,
            blocks={name: one.blocks[place] for name, place in of},
            unknown=unknown,
            season=one.season,
        )


def _figures(part: Drifted, subjects: Sequence[str], words: Sequence[str]) -> KeptFigures:
    place = {word: number for number, word in enumerate(words)}
    kinds, why, unknown = (
        tuple(place[told.get(name, "")] for name in subjects) for told in (part.kinds, part.why, part.unknown)
    )
    return KeptFigures(
        measure=part.measure,
        span=part.span,
        values=tuple(_rounded(part.values.get(name)) for name in subjects),
        limits=tuple(_rounded(part.limits.get(name)) for name in subjects),
        blocks=tuple(part.blocks.get(name, 0.0) for name in subjects),
        kinds=kinds,
        why=why,
        unknown=unknown,
        season=part.season,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")
