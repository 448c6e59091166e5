"""Stored rows as counts over a profile's bins, part by part, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homeostat.data.profiles import Profile


class StoredCounts(Protocol):
    """Counts rows of stored tables where they lie."""

    def count(
        self,
        table: str,
        profiles: Mapping[str, Profile],
        *,
        version: int | None = None,
        where: pc.Expression | None = None,
    ) -> dict[str, Profile]:
        """Rows of a version, the newest unless told, over the bins of each column's profile.

        Memory is that of a few thousand rows, whatever their number.
        Raises: NotFound for no such table, version or column; InvalidInput for values of another kind.
        """
        ...


def counted(profiles: Mapping[str, Profile], batches: Iterable[pa.RecordBatch]) -> dict[str, Profile]:
    """Rows of all batches over the bins of each column's profile.

    >>> hours = Profile.of("hour", "number", [6.0, 7.0, 8.0, 9.0], bins=2)
    >>> counted({"hour": hours}, pa.table({"hour": [5, None, 9, 9]}).to_batches())["hour"].counts
    (1, 2)
    """
    found = {name: profile.count([]) for name, profile in profiles.items()}
    for batch in batches:
        for name, so_far in found.items():
            found[name] = so_far + count_array(so_far, batch.column(name))
    return found


def count_array(profile: Profile, values: pa.Array) -> Profile:
    """One column over a profile's bins; of a text each distinct name is looked at once.

    Raises: InvalidInput for values of another kind.
    """
    if profile.kind == "number":
        return profile.count(values.to_numpy(zero_copy_only=False))
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    codes = coded.indices.drop_null().to_numpy()
    rows = np.bincount(codes, minlength=len(coded.dictionary)).tolist()
    tally: Counter[str | None] = Counter()
    for name, many in zip(coded.dictionary.to_pylist(), rows, strict=True):
        if many:
            tally[None if name is None or name == "" or name != name else str(name)] += many
    missing = tally.pop(None, 0)
    return profile.count_names({str(name): many for name, many in tally.items()}, missing + values.null_count)
