"""Figures of a slice that are no ratio of two sums: skill, RMSE, means over classes. Their bounds leave out a day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.arrays import Floats
from homeostat.stats.figures.class_sums import class_entropy
from homeostat.stats.intervals import Interval, jackknife

Sums = Mapping[str, Floats]
"""A slice's sums by day, by name; NaN for a day that does not keep one."""
Read = Callable[[Floats], float]
_Parts = tuple[Floats, Read]
"""One row of numbers that add per day, and how the figure is read from their total: NaN where it is undefined."""
_MET = 0.5
"""Rows from which there is a class."""
_NOTHING = 1e-12
"""So small a share of its mean, squared, is no spread of the truth but rounding."""


def rows_kept(name: str, sums: Sums) -> tuple[Floats, Read]:
    """What a figure is made of on the days that have rows and keep it, and how it is read."""
    parts, read = _made_of(name, sums)(sums)
    return parts[np.isfinite(parts).all(axis=1) & (sums["rows"] > 0.0)], read


def is_smooth(name: str, sums: Sums) -> bool:
    """Whether a figure is one of these: precision is of classes, and a ratio of a yes or no."""
    return name in SMOOTH or (name in OF_CLASSES and is_of_classes(sums))


def is_of_classes(sums: Sums) -> bool:
    """Whether these are sums of several classes."""
    return "right" in sums and "positives" not in sums


def _made_of(name: str, sums: Sums) -> Callable[[Sums], _Parts]:
    return OF_CLASSES[name] if name in OF_CLASSES and is_of_classes(sums) else SMOOTH[name]


def smooth(parts: Floats, read: Read, rows: int) -> Interval:
    """The figure with 95 % bounds for one look.

    Raises: NotEnoughData with fewer than 3 days, or where it is undefined without one of them.
    """
    return jackknife(lambda total: _defined(read(total)), parts, rows=rows)


def _defined(value: float) -> float:
    if not np.isfinite(value):
        raise NotEnoughData("Undefined on these rows.", mend="Take a longer span.")
    return value


def _held(sums: Sums, *names: str) -> Floats:
    """Sums by day, side by side; NaN for what no day keeps."""
    none = np.full(sums["rows"].shape, np.nan)
    return np.stack([sums.get(name, none) for name in names], axis=1)


def _rmse(sums: Sums) -> _Parts:
    return _held(sums, "rows", "squared"), lambda total: float(np.sqrt(max(total[1], 0.0) / total[0]))


def _skill(sums: Sums) -> _Parts:
    return _skill_of_numbers(sums) if "truth" in sums else _skill_of_chances(sums)


def _skill_of_chances(sums: Sums) -> _Parts:
    """Over always answering the slice's own shares of the classes."""
    kept = _held(sums, "rows", "log_loss", "positives")
    each = np.stack([kept[:, 2], kept[:, 0] - kept[:, 2]], axis=1)

    def read(total: Floats) -> float:
        uncertain = float(total[2:].sum()) * class_entropy(total[2:])
        return 1.0 - float(total[1]) / uncertain if uncertain > 0.0 else np.nan

    return np.concatenate([kept[:, :2], each], axis=1), read


def _skill_of_numbers(sums: Sums) -> _Parts:
    """Over always answering the slice's own mean: the spread within days and between them, about a middle."""
    rows, loss, spread, truth = _held(sums, "rows", "loss", "spread", "truth").T
    there = np.isfinite(spread) & (rows > 0.0)
    middle = float(truth[there].sum() / rows[there].sum()) if there.any() else 0.0
    apart = truth - middle * rows
    cost = spread + apart**2 / np.where(rows > 0.0, rows, 1.0)

    def read(total: Floats) -> float:
        constant = float(total[2] - total[3] ** 2 / total[0])
        return 1.0 - float(total[1]) / constant if constant > _NOTHING * total[0] * middle**2 else np.nan

    return np.stack([rows, loss, cost, apart], axis=1), read


def _classes(sums: Sums, *kinds: str) -> Floats:
    """Counts by class, kind by kind; NaN where no day counts classes."""
    count = max(1, sum(name.startswith("true ") for name in sums))
    return _held(sums, *(f"{kind} {place}" for kind in kinds for place in range(count)))


def _skill_of_classes(sums: Sums) -> _Parts:
    def read(total: Floats) -> float:
        uncertain = float(total[1:].sum()) * class_entropy(total[1:])
        return 1.0 - float(total[0]) / uncertain if uncertain > 0.0 else np.nan

    return np.concatenate([_held(sums, "log_loss"), _classes(sums, "true")], axis=1), read


def _of_classes(figure: Callable[[Floats, Floats, Floats], Floats]) -> Callable[[Sums], _Parts]:
    """The mean over classes that came or were answered; NaN where one of them has none."""

    def read(total: Floats) -> float:
        true, said, hit = total.reshape(3, -1)
        met = true + said >= _MET
        return float(figure(true[met], said[met], hit[met]).mean()) if met.any() else np.nan

    return lambda sums: (_classes(sums, "true", "said", "hit"), read)


def _ratio(part: Floats, of: Floats) -> Floats:
    return np.where(of >= _MET, part / np.maximum(of, _MET), np.nan)


def _auc_of_classes(sums: Sums) -> _Parts:
    """Each class against the rest, within days: the mean over classes that came and did not always come."""
    true = _classes(sums, "true")
    pairs = true * (sums["rows"][:, None] - true)

    def read(total: Floats) -> float:
        ahead, of = total.reshape(2, -1)
        return float(_ratio(ahead, of)[of >= _MET].mean()) if (of >= _MET).any() else np.nan

    return np.concatenate([_classes(sums, "beaten"), pairs], axis=1), read


SMOOTH: Mapping[str, Callable[[Sums], _Parts]] = MappingProxyType({"skill": _skill, "rmse": _rmse})
"""How each is read from the sums of a slice."""
OF_CLASSES: Mapping[str, Callable[[Sums], _Parts]] = MappingProxyType(
    {
        "precision": _of_classes(lambda true, said, hit: _ratio(hit, said)),
        "recall": _of_classes(lambda true, said, hit: _ratio(hit, true)),
        "f1": _of_classes(lambda true, said, hit: _ratio(2.0 * hit, true + said)),
        "auc_within_days": _auc_of_classes,
        "skill": _skill_of_classes,
    }
)
"""The same of several classes."""
