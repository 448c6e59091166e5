"""Categories that a window has and the reference never had, and those that are gone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from homeostat.data.profiles import Profile
from homeostat.data.unlisted import Unlisted
from homeostat.kernel.errors import InvalidInput, NotEnoughData

CHANCE = 1e-3
"""A category counts as gone where chance alone would leave it out of fewer windows than this."""


@dataclass(frozen=True, slots=True)
class NewCategories:
    """Names that the reference never had, with their rows, most frequent first.

    Profiles keep a bounded number of names, so ``named`` may be a part of them; the share of rows with a new
    category lies in [``least``, ``most``], which are equal where all names were kept.
    """

    named: Mapping[str, int]
    least: float
    most: float


def new_categories(reference: Profile, counted: Profile) -> NewCategories:
    """Name what is new in a window, exactly: a name is listed here only where the reference surely lacked it.

    Raises: NotEnoughData when a side has no value, or was written before profiles kept names; InvalidInput for the
    profile of a number; Conflict when the bins differ.

    >>> reference = Profile.of("origin", "text", ["JFK", "EWR"])
    >>> found = new_categories(reference, reference.count(["JFK", "XNA", "XNA", "EWR"]))
    >>> dict(found.named), found.least, found.most
    ({'XNA': 2}, 0.5, 0.5)
    """
    rows = _rows(reference, counted)
    before, now = _kept(reference), _kept(counted)
    if before is None or now is None:
        mend = "Compare profiles that were counted since names are kept."
        raise NotEnoughData(f"No names were kept of {counted.name!r}.", mend=mend, name=counted.name)
    new = {name: many for name, many in now.rows.items() if name not in before.rows and before.decides(name)}
    most = counted.counts[-1] - sum(many for name, many in now.rows.items() if name in before.rows)
    least = sum(new.values()) if before.rows else most
    ordered = dict(sorted(new.items(), key=lambda item: (-item[1], item[0])))
    return NewCategories(ordered, least / rows, most / rows)


def vanished_categories(reference: Profile, counted: Profile, *, chance: float = CHANCE) -> dict[str, float]:
    """The listed categories that a window lacks, with their share of the reference, where that is no accident.

    A category of share ``s`` is missing from ``n`` independent rows with a chance of ``(1 - s)**n``; those that
    would be missing more often than ``chance`` are not named.
    Raises: as `new_categories`, but for names; InvalidInput for a chance outside (0, 1).

    >>> reference = Profile.of("origin", "text", ["JFK", "EWR"] * 50 + ["LGA"])
    >>> vanished_categories(reference, reference.count(["JFK"] * 30))
    {'EWR': 0.49504950495049505}
    """
    if not 0.0 < chance < 1.0:
        raise InvalidInput(f"{chance} is no chance.", mend="Pass a small one, such as 1e-3.", chance=str(chance))
    rows = _rows(reference, counted)
    found = {}
    for name, share, left in zip(reference.categories, reference.shares().tolist(), counted.counts, strict=False):
        if share and not left and (share == 1.0 or rows * math.log1p(-share) <= math.log(chance)):
            found[name] = share
    return found


def _kept(profile: Profile) -> Unlisted | None:
    """The names outside the list; none where all rows are on it."""
    return profile.unlisted if profile.counts[-1] else Unlisted({}, more=False)


def _rows(reference: Profile, counted: Profile) -> int:
    """Rows of the window that have a value, of the same bins as a reference that has some."""
    reference.check_same_bins(counted)
    if reference.kind != "text":
        raise InvalidInput(f"{reference.name!r} is not a text.", mend="Ask for its distances.", name=reference.name)
    for side in (reference, counted):
        side.shares()
    return sum(counted.counts)
