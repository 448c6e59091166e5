"""The training distribution as counts: small, mergeable by addition, and enough to see drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.errors import Conflict, InvalidInput, NotEnoughData, NotFound

ProfileKind = Literal["number", "text"]
BINS = 20
TOP_CATEGORIES = 50
PREDICTION = "prediction"
"""The subject name under which the profile of predicted probabilities is kept."""

Values = Sequence[object] | NDArray[Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """Counts of one feature over fixed bins: quantile bins of a number, or the categories of a text.

    A number's bin ``i`` holds values in ``(edges[i-1], edges[i]]``; the first and last bins are open. A
    text's bins are ``categories`` and, last, all others together. ``missing`` counts NaN, None and "".
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
        present, _ = _present(name, kind, values)
        edges = _quantile_edges(present, bins) if kind == "number" else ()
        categories = _top_categories(present) if kind == "text" else ()
        return cls(name, kind, edges, categories, (), 0).count(values)

    @property
    def rows(self) -> int:
        """Rows counted, missing ones included."""
        return sum(self.counts) + self.missing

    def count(self, values: Values) -> Profile:
        """Other rows counted over the same bins. Raises: InvalidInput for values of another kind."""
        present, missing = _present(self.name, self.kind, values)
        if self.kind == "number":
            place = np.searchsorted(np.array(self.edges), present, side="left")
            counts = np.bincount(place, minlength=len(self.edges) + 1)
        else:
            counts = _category_counts(present, self.categories)
        return Profile(self.name, self.kind, self.edges, self.categories, tuple(counts.tolist()), missing)

    def __add__(self, other: Profile) -> Profile:
        """Both sets of rows as one. Raises: Conflict when the bins differ."""
        self.check_same_bins(other)
        counts = tuple(a + b for a, b in zip(self.counts, other.counts, strict=True))
        missing = self.missing + other.missing
        return Profile(self.name, self.kind, self.edges, self.categories, counts, missing)

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
        """The JSON form, one key per field."""
        return {
            "name": self.name,
            "kind": self.kind,
            "edges": list(self.edges),
            "categories": list(self.categories),
            "counts": list(self.counts),
            "missing": self.missing,
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
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable(f"{type(error).__name__}: {error}") from error
        if len(profile.counts) != len(profile.edges) + len(profile.categories) + 1:
            raise _unreadable(f"{profile.name!r} has {len(profile.counts)} counts")
        return profile


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
        """Profile each feature of ``kinds`` from its column, and the predicted probabilities."""
        features = {name: Profile.of(name, kind, columns[name], bins=bins) for name, kind in kinds.items()}
        return cls(features, Profile.of(PREDICTION, "number", scores, bins=bins))

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
        merged = {name: profile + other.features[name] for name, profile in self.features.items()}
        return ReferenceProfile(merged, self.prediction + other.prediction)

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


def _present(name: str, kind: ProfileKind, values: Values) -> tuple[NDArray[Any], int]:
    array = np.asarray(values) if kind == "number" else np.asarray(values, dtype=object)
    if kind == "number":
        try:
            numbers = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"{name!r} is not a number.", mend="Profile it as text.", name=name) from error
        kept = numbers[~np.isnan(numbers)]
    else:
        kept = array[[not _is_missing_text(item) for item in array]]
    return kept, int(array.size - kept.size)


def _is_missing_text(value: object) -> bool:
    return value is None or value == "" or value != value


def _quantile_edges(values: NDArray[np.float64], bins: int) -> tuple[float, ...]:
    distinct, repeats = np.unique(values[np.isfinite(values)], return_counts=True)
    if not distinct.size:
        return ()
    upto, share = np.cumsum(repeats), repeats.sum() / bins
    cuts = np.searchsorted(upto, share * np.arange(1, bins))
    heavy = np.flatnonzero(repeats >= share)
    after = np.unique(np.concatenate((cuts, heavy, heavy - 1)))
    edges = [_edge_after(distinct, int(place)) for place in after]
    return tuple(sorted({edge for edge in edges if np.isfinite(edge)}))


def _edge_after(distinct: NDArray[np.float64], place: int) -> float:
    """Halfway between neighbours; beyond the ends, half the nearest gap away."""
    if 0 <= place < distinct.size - 1:
        left, right = float(distinct[place]), float(distinct[place + 1])
        middle = left / 2 + right / 2
        return middle if left <= middle < right else left
    last = place >= 0
    end, gap = float(distinct[-1 if last else 0]), 0.0
    if distinct.size > 1:
        gap = float(distinct[-1] - distinct[-2] if last else distinct[1] - distinct[0]) / 2
    reach = gap or 1e-6 * max(1.0, abs(end))
    return end + reach if last else end - reach


def _top_categories(values: NDArray[Any]) -> tuple[str, ...]:
    names, repeats = np.unique(values.astype(str), return_counts=True)
    order = np.lexsort((names, -repeats))[:TOP_CATEGORIES]
    return tuple(sorted(names[order].tolist()))


def _category_counts(values: NDArray[Any], categories: tuple[str, ...]) -> NDArray[np.int64]:
    place = {category: index for index, category in enumerate(categories)}
    bins = [place.get(str(value), len(categories)) for value in values]
    return np.bincount(np.array(bins, dtype=np.int64), minlength=len(categories) + 1).astype(np.int64)


def _unreadable(why: str) -> InvalidInput:
    return InvalidInput(f"This is no profile: {why}.", mend="Read a profile.json that Homeostat wrote.")
