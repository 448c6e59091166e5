"""Names that a profile's list of categories lacks: a few of them with exact counts, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from heapq import nsmallest
from typing import Any

from homeostat.kernel.errors import InvalidInput

KEPT = 32
"""So many names are kept; a flood of new ones takes no more room."""
_LONGEST = 80
_SCALE = float(1 << 64)


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Rows by name, of the names that a fixed hash puts first; ``more`` says that others were left out.

    A name that is among the first of all rows is among the first of any part that has it, so its count is exact
    after any merging, in any order. Two sides keep the same names where both have them: what one has among its
    first and the other lacks, the other never had. Names of more than 80 characters are cut, with a hash at the end.

    >>> day = Unlisted.of({"XNA": 2}) + Unlisted.of({"XNA": 1, "EGE": 4})
    >>> day.rows["XNA"], day.rows["EGE"], day.more
    (3, 4, False)
    """

    rows: Mapping[str, int]
    more: bool

    @classmethod
    def of(cls, tally: Mapping[str, int]) -> Unlisted:
        """Keep the first names of a tally."""
        return cls._first(((_shown(name), rows) for name, rows in tally.items()), more=False)

    @classmethod
    def merged(cls, parts: Iterable[Unlisted]) -> Unlisted:
        """All parts as one."""
        together: dict[str, int] = {}
        more = False
        for part in parts:
            more = more or part.more
            for name, rows in part.rows.items():
                together[name] = together.get(name, 0) + rows
        return cls._first(together.items(), more=more)

    def __add__(self, other: Unlisted) -> Unlisted:
        if not (other.rows or other.more):
            return self
        return Unlisted.merged((self, other))

    def decides(self, name: str) -> bool:
        """Whether a name that is not kept here never occurred: its place is among those that were kept."""
        return not self.more or _place(name) <= max(map(_place, self.rows))

    def distinct(self) -> float:
        """How many names there are; where some were left out an estimate, off by about a fifth.

        Source: Bar-Yossef et al. (2002), Counting Distinct Elements in a Data Stream, RANDOM 2002.
        """
        if not self.more:
            return float(len(self.rows))
        return (len(self.rows) - 1) * _SCALE / max(map(_place, self.rows))

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        return {"rows": dict(sorted(self.rows.items())), "more": self.more}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Unlisted:
        """Read `to_json` back. Raises: InvalidInput when a part is missing."""
        try:
            rows = {str(name): int(count) for name, count in value["rows"].items()}
            return cls._first(rows.items(), more=bool(value["more"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidInput(f"These are no names: {error!r}.", mend="Read what to_json wrote.") from error

    @classmethod
    def _first(cls, rows: Iterable[tuple[str, int]], *, more: bool) -> Unlisted:
        together = dict(rows)
        if len(together) <= KEPT:
            return cls(together, more)
        return cls({name: together[name] for name in nsmallest(KEPT, together, key=_place)}, more=True)


def _place(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest(), "big")


def _shown(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}… {_place(name):016x}"
