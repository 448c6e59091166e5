"""The drift of many days from one version's training, in little room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from homeostat.monitoring.drift_limits import Kind
from homeostat.monitoring.drifting import Drifted
from homeostat.stats.arrays import Floats

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, eq=False)
class DriftTable:
    """``values`` has shape (days, signals, subjects), NaN where unknown; ``limits`` and ``kinds``, by number, are those
    of (signals, subjects), NaN where a subject has no such signal. A signal is a measure and the days of its window.
    """

    subjects: tuple[str, ...]
    signals: tuple[tuple[str, int], ...]
    values: Floats
    limits: Floats
    kinds: NDArray[np.int64]

    @classmethod
    def of(cls, days: Sequence[Sequence[Drifted]]) -> DriftTable:
        """Of days that were all measured against the same limits; at least one."""
        first = days[0]
        subjects = tuple(dict.fromkeys(name for part in first for name in part.limits))
        return cls(
            subjects,
            tuple((part.measure, part.span) for part in first),
            np.array([[_row(part.values, subjects) for part in day] for day in days]),
            np.array([_row(part.limits, subjects) for part in first]),
            np.array([[KINDS.index(part.kinds.get(name, "earned")) for name in subjects] for part in first]),
        )

    def day(self, row: int, served: int) -> tuple[Drifted, ...]:
        """A day as it would have been seen of a version that had served for so many days by its end.

        >>> seen = Drifted("psi", 7, {"hour": 0.3}, {"hour": 0.2}, {"hour": "customary"})
        >>> table = DriftTable.of([[seen]])
        >>> table.day(0, 7) == (seen,), table.day(0, 6)[0].values
        (True, {'hour': None})
        """
        return tuple(self._signal(row, place, served) for place in range(len(self.signals)))

    def _signal(self, row: int, place: int, served: int) -> Drifted:
        measure, span = self.signals[place]
        of = [(name, at) for at, name in enumerate(self.subjects) if not np.isnan(self.limits[place, at])]
        return Drifted(
            measure=measure,
            span=span,
            values={name: _known(self.values[row, place, at]) if served >= span else None for name, at in of},
            limits={name: float(self.limits[place, at]) for name, at in of},
            kinds={name: kind for name, at in of if (kind := KINDS[self.kinds[place, at]]) != "earned"},
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What ``from_arrays`` reads back, together with ``names``."""
        return {"values": self.values.astype(np.float32), "limits": self.limits, "kinds": self.kinds}

    def names(self) -> dict[str, Any]:
        """JSON values: the subjects and the signals."""
        return {"subjects": list(self.subjects), "signals": [list(one) for one in self.signals]}

    @classmethod
    def from_arrays(cls, names: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> DriftTable:
        """Read it back. Raises: KeyError where a part is missing."""
        signals = tuple((str(measure), int(span)) for measure, span in names["signals"])
        values, limits, kinds = (arrays[name] for name in ("values", "limits", "kinds"))
        return cls(tuple(names["subjects"]), signals, values.astype(np.float64), limits, kinds)


def _row(told: Mapping[str, float | None], subjects: Sequence[str]) -> list[float]:
    return [np.nan if (value := told.get(name)) is None else value for name in subjects]


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
