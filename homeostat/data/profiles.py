"""The training distribution as counts: small, mergeable by addition, and enough to see drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import add
from types import NoneType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.data.bins import quantile_edges, top_categories
from homeostat.data.unlisted import Unlisted
from homeostat.kernel.errors import Conflict, InvalidInput, NotEnoughData, NotFound
from homeostat.stats.drift.binning import counts_between

ProfileKind = Literal["number", "text"]
BINS = 20
PREDICTION = "prediction"
"""The subject name under which the profile of predictions is kept: probabilities, numbers, or classes."""

Values = Sequence[object] | NDArray[Any]

_AT_ONCE = 128
"""So many merge at a time: going through all of them once for each feature would leave the caches each time."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Counts of one feature over fixed bins: quantile bins of a number, or the categories of a text.

    A number's bin ``i`` holds values in ``(edges[i-1], edges[i]]``; the first and last bins are open. A
    text's bins are ``categories`` and, last, all others together, of which ``unlisted`` names some; it is None for
    numbers and in profiles that were written without. ``missing`` counts NaN, None and "".
    Profiles over the same bins add: ``Profile.of`` fixes the bins, ``count`` fills them with other rows.

    >>> reference = Profile.of("hour", "number", [6.0, 7.0, 8.0, 9.0], bins=2)
    >>> day = reference.count([5.0, 6.0, float("nan")])
    >>> day.counts, day.missing, (day + day).counts
    ((2, 0), 1, (4, 0))
    """

    name: str
    kind: ProfileKind
    edges: tuple[float, ...]
    categories: tuple[str, ...]
    counts: tuple[int, ...]
    missing: int
    unlisted: Unlisted | None = None

    @classmethod
    def of(cls, name: str, kind: ProfileKind, values: Values, *, bins: int = BINS) -> Profile:
        """Fix bins on reference values, about equally full, and count the values into them.

        A value that fills a whole bin by itself gets its own bin, so a move to either side of it shows.
        Edges lie halfway between neighbouring values, so rounding to float32 moves no value across.
        Where every value is missing there is one empty bin: only the missing share can then be watched.
        Raises: InvalidInput for values of another kind.
        """
        if bins < 2:
            raise InvalidInput(f"{bins} bins show no drift.", mend="Ask for at least 2.", bins=bins)
        if kind == "text":
            tally, missing = _tally(values)
            return cls(name, kind, (), top_categories(tally), (), 0).count_names(tally, missing)
        numbers = _numbers(name, values).astype(np.float64, copy=False)
        return cls(name, kind, quantile_edges(numbers, bins), (), (), 0).count(numbers)

    @property
    def rows(self) -> int:
        """Rows counted, missing ones included."""
        return sum(self.counts) + self.missing

    def count(self, values: Values) -> Profile:
        """Other rows counted over the same bins. Raises: InvalidInput for values of another kind."""
        if self.kind == "text":
            return self.count_names(*_tally(values))
        numbers = _numbers(self.name, values)
        counts = counts_between(numbers, np.array(self.edges)).tolist()
        return self._with(tuple(counts), len(numbers) - sum(counts), None)

    def count_names(self, tally: Mapping[str, int], missing: int = 0) -> Profile:
        """Rows of a text that are tallied by name already, and rows without a value.

        Raises: InvalidInput for the profile of a number.
        """
        if self.kind != "text":
            raise InvalidInput(f"{self.name!r} is not a text.", mend="Count its values.", name=self.name)
        listed = [tally.get(category, 0) for category in self.categories]
        known = set(self.categories)
        others = {name: rows for name, rows in tally.items() if name not in known}
        return self._with((*listed, sum(others.values())), missing, Unlisted.of(others))

    def filled(self, counts: Sequence[int], missing: int) -> Profile:
        """The same bins with counts that were kept. Raises: Conflict for another number of bins."""
        if len(counts) != len(self.counts):
            mend = "Count them with this profile."
            raise Conflict(f"{len(counts)} counts for {len(self.counts)} bins of {self.name!r}.", mend=mend)
        return self._with(tuple(counts), missing, None)

    def __add__(self, other: Profile) -> Profile:
        """Both sets of rows as one. Raises: Conflict when the bins differ."""
        self.check_same_bins(other)
        unlisted = None if self.unlisted is None or other.unlisted is None else self.unlisted + other.unlisted
        return self._with(tuple(map(add, self.counts, other.counts)), self.missing + other.missing, unlisted)

    def check_same_bins(self, other: Profile) -> None:
        """Raises: Conflict unless both count the same feature over the same bins."""
        mine = (self.name, self.kind, self.edges, self.categories, len(self.counts))
        if mine != (other.name, other.kind, other.edges, other.categories, len(other.counts)):
            raise Conflict(
                f"Profiles {self.name!r} and {other.name!r} have different bins.",
                mend="Count both with one reference profile.",
                first=self.name,
                second=other.name,
            )

    def shares(self) -> NDArray[np.float64]:
        """The share of each bin among rows that are not missing. Raises: NotEnoughData without such rows."""
        counts: NDArray[np.float64] = np.array(self.counts, dtype=np.float64)
        if not counts.sum():
            raise NotEnoughData(f"No value of {self.name!r}.", mend="Wait for rows.", name=self.name)
        return np.asarray(counts / counts.sum(), dtype=np.float64)

    def missing_share(self) -> float:
        """The share of rows without a value. Raises: NotEnoughData without rows."""
        if not self.rows:
            raise NotEnoughData(f"No row of {self.name!r}.", mend="Wait for rows.", name=self.name)
        return self.missing / self.rows

    def quantiles(self, shares: Sequence[float]) -> tuple[float, ...]:
        """A number's quantiles, right to within the bin they fall into; the open bins end at the outermost edges.

        Raises: NotEnoughData without values, or without edges to place them between.

        >>> Profile.of("hour", "number", range(100), bins=4).quantiles([0.25, 0.5])
        (24.5, 49.5)
        """
        if not self.edges or not sum(self.counts):
            raise NotEnoughData(f"No value of {self.name!r}.", mend="Wait for rows.", name=self.name)
        upto = np.concatenate(([0.0], np.cumsum(self.shares())))
        ends = np.array([self.edges[0], *self.edges, self.edges[-1]])
        return tuple(float(value) for value in np.interp(shares, upto, ends))

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field; without ``unlisted`` where it is None."""
        names = {} if self.unlisted is None else {"unlisted": self.unlisted.to_json()}
        return {
            "name": self.name,
            "kind": self.kind,
            "edges": list(self.edges),
            "categories": list(self.categories),
            "counts": list(self.counts),
            "missing": self.missing,
            **names,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Profile:
        """Read `to_json` back. Raises: InvalidInput when a part is missing or the bins do not fit."""
        try:
            profile = cls(
                name=str(value["name"]),
                kind=value["kind"],
                edges=tuple(float(edge) for edge in value["edges"]),
                categories=tuple(str(category) for category in value["categories"]),
                counts=tuple(int(count) for count in value["counts"]),
                missing=int(value["missing"]),
                unlisted=Unlisted.from_json(value["unlisted"]) if "unlisted" in value else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable(f"{type(error).__name__}: {error}") from error
        if len(profile.counts) != len(profile.edges) + len(profile.categories) + 1:
            raise _unreadable(f"{profile.name!r} has {len(profile.counts)} counts")
        return profile

    def _with(self, counts: tuple[int, ...], missing: int, unlisted: Unlisted | None) -> Profile:
        """The same bins, filled otherwise."""
        return Profile(self.name, self.kind, self.edges, self.categories, counts, missing, unlisted)


@dataclass(frozen=True, slots=True)
class ReferenceProfile:
    """What a version was trained on, feature by feature, and what it then predicted."""

    features: Mapping[str, Profile]
    prediction: Profile

    @classmethod
    def of(
        cls,
        kinds: Mapping[str, ProfileKind],
        columns: Mapping[str, Values],
        scores: Values,
        *,
        bins: int = BINS,
    ) -> ReferenceProfile:
        """Profile each feature of ``kinds`` from its column, and the predictions: probabilities, numbers or classes."""
        features = {name: Profile.of(name, kind, columns[name], bins=bins) for name, kind in kinds.items()}
        kind: ProfileKind = "text" if np.asarray(scores).dtype.kind in "OU" else "number"
        return cls(features, Profile.of(PREDICTION, kind, scores, bins=bins))

    def count(self, columns: Mapping[str, Values], scores: Values) -> ReferenceProfile:
        """Served rows counted over the same bins. Raises: NotFound when a feature's column is not there."""
        absent = [name for name in self.features if name not in columns]
        if absent:
            raise NotFound(f"No column for {absent[0]!r}.", mend="Pass every feature as served.", absent=absent)
        counted = {name: profile.count(columns[name]) for name, profile in self.features.items()}
        return ReferenceProfile(counted, self.prediction.count(scores))

    def __add__(self, other: ReferenceProfile) -> ReferenceProfile:
        if self.features.keys() != other.features.keys():
            raise Conflict("Profiles differ in their features.", mend="Count both with one reference profile.")
        together = {name: profile + other.features[name] for name, profile in self.features.items()}
        return ReferenceProfile(together, self.prediction + other.prediction)

    @classmethod
    def merged(cls, parts: Sequence[ReferenceProfile]) -> ReferenceProfile:
        """All parts as one: the hours of a fleet's replicas.

        Raises: Conflict when features or bins differ; NotEnoughData for no part.
        """
        while len(parts) > 1:
            parts = [cls._merged(parts[start : start + _AT_ONCE]) for start in range(0, len(parts), _AT_ONCE)]
        if not parts:
            raise NotEnoughData("No profile to merge.", mend="Wait for one.", parts=0)
        return parts[0]

    @classmethod
    def _merged(cls, parts: Sequence[ReferenceProfile]) -> ReferenceProfile:
        names = parts[0].features.keys()
        if any(part.features.keys() != names for part in parts):
            raise Conflict("Profiles differ in their features.", mend="Count all with one reference profile.")
        features = {name: merged([part.features[name] for part in parts]) for name in names}
        return cls(features, merged([part.prediction for part in parts]))

    def to_json(self) -> dict[str, object]:
        """The JSON form: features in their order, and the prediction."""
        features = [profile.to_json() for profile in self.features.values()]
        return {"features": features, "prediction": self.prediction.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ReferenceProfile:
        """Read `to_json` back. Raises: InvalidInput when a part is missing."""
        if not {"features", "prediction"} <= value.keys():
            raise _unreadable("'features' and 'prediction' are needed")
        profiles = [Profile.from_json(item) for item in value["features"]]
        return cls({profile.name: profile for profile in profiles}, Profile.from_json(value["prediction"]))


def merged(parts: Sequence[Profile]) -> Profile:
    """All parts as one, exactly: of hours, of replicas, in any order.

    Raises: Conflict when their bins differ; NotEnoughData for no part.

    >>> day = Profile.of("hour", "number", [6.0, 7.0, 8.0, 9.0], bins=2)
    >>> merged([day] * 500).counts
    (1000, 1000)
    """
    if not parts:
        raise NotEnoughData("No profile to merge.", mend="Wait for one.", parts=0)
    first = parts[0]
    for part in parts:
        first.check_same_bins(part)
    counts = tuple(map(sum, zip(*(part.counts for part in parts), strict=True)))
    named = [part.unlisted for part in parts if part.unlisted is not None]
    unlisted = Unlisted.merged(named) if len(named) == len(parts) else None
    return first._with(counts, sum(part.missing for part in parts), unlisted)


def _numbers(name: str, values: Values) -> NDArray[Any]:
    """Numbers of whatever kind they came in; None is NaN."""
    array = np.asarray(values).ravel()
    if array.dtype.kind in "fiub":
        return array
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name!r} is not a number.", mend="Profile it as text.", name=name) from error


def _tally(values: Values) -> tuple[Mapping[str, int], int]:
    """Rows by name, and rows without one."""
    items = np.asarray(values, dtype=object).ravel().tolist()
    try:
        found = Counter(items)
    except TypeError:
        return _tally_of_any(items)
    if not {str, NoneType}.issuperset(map(type, found)):
        return _tally_of_any(items)
    missing = found.pop(None, 0) + found.pop("", 0)
    return found, missing


def _tally_of_any(items: list[Any]) -> tuple[Mapping[str, int], int]:
    """The same where names are not texts: 1, 1.0 and True are equal, but not of one name."""
    names = [str(item) for item in items if not (item is None or item == "" or item != item)]
    return Counter(names), len(items) - len(names)


def _unreadable(why: str) -> InvalidInput:
    return InvalidInput(f"This is no profile: {why}.", mend="Read a profile.json that Homeostat wrote.")
