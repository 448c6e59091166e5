"""Transforms: features computed from features by the same vectorised function in training and in serving."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from homeostat.data.contracts import Value
from homeostat.data.tables import NAME
from homeostat.features.hashing import meaning_of_function
from homeostat.features.views import FeatureKind
from homeostat.kernel.errors import HomeostatError, InvalidInput
from homeostat.kernel.places import at_place, place_of_function
from homeostat.kernel.words import plural

Array = npt.NDArray[Any]
_PROBES = (math.nan, 0.0, 1.0, 2.5, -3.0, 1e3, 1e-3)


class TransformFailed(HomeostatError):
    """A transform raised, or returned something other than one number per row."""

    code = "transform_failed"


@dataclass(frozen=True, eq=False)
class Transform:
    """A feature computed row by row from features named by the function's arguments; see ``transform``."""

    name: str
    arguments: tuple[str, ...]
    function: Callable[..., Any]

    def __call__(self, *columns: Array) -> Any:
        """The undecorated function, for trying it out."""
        return self.function(*columns)

    @property
    def place(self) -> str:
        """Where it is defined, such as ``loop.py:31``."""
        return place_of_function(self.function)

    @property
    def described(self) -> str:
        """The transform as a message names it."""
        return f"Transform {self.name!r}{at_place(self.place)}"

    @cached_property
    def meaning(self) -> dict[str, object]:
        """The code without its formatting, with the constants and helpers it refers to, as JSON values."""
        return meaning_of_function(self.function)

    def run(self, columns: Mapping[str, Array]) -> Array:
        """One number per row from whole columns; infinite results are missing (NaN).

        Raises: TransformFailed when the function raises or does not return one number per row.
        """
        given = [_readonly(columns[name]) for name in self.arguments]
        try:
            with np.errstate(all="ignore"):
                result = np.asarray(self.function(*given))
        except Exception as error:
            raise self._failed(f"raised {type(error).__name__}: {error}") from error
        if result.shape != given[0].shape or result.dtype.kind not in "biuf":
            raise self._failed(f"returned {result.dtype} of shape {result.shape} for {plural(len(given[0]), 'row')}")
        numbers = result.astype(np.float64)
        numbers[np.isinf(numbers)] = np.nan
        return numbers

    def check_rowwise(self) -> None:
        """Raise InvalidInput when a row's result depends on its neighbours, or missing numbers break it."""
        count = len(_PROBES)
        probe = {name: np.roll(np.array(_PROBES), shift) for shift, name in enumerate(self.arguments)}
        try:
            with warnings.catch_warnings(action="ignore"):
                together = self.run(probe)
                alone = [self.run({name: probe[name][i : i + 1] for name in probe})[0] for i in range(count)]
        except TransformFailed as error:
            raise InvalidInput(error.problem, mend=error.mend, **error.facts) from error
        if not np.allclose(together, alone, rtol=1e-9, atol=0, equal_nan=True):
            raise InvalidInput(
                f"{self.described} gives a row another value among other rows.",
                mend="Compute each row from its own arguments only: serving does not see the others.",
                transform=self.name,
            )

    def _failed(self, what: str) -> TransformFailed:
        return TransformFailed(
            f"{self.described} {what}.",
            mend="Take NumPy columns (missing: NaN or None) and return one number per row.",
            transform=self.name,
        )


def transform(function: Callable[..., Any]) -> Transform:
    """Make a feature of a NumPy function; its arguments name features, its name becomes the feature's.

    Numbers arrive as float64 with NaN for missing, texts as objects with None; columns are read-only. The
    result is a number per row; division by zero and the like are missing, not warnings.
    Raises: InvalidInput for arguments that cannot name features.

    >>> @transform
    ... def crowding(landed_3h, landed_24h):
    ...     return landed_3h / (landed_24h / 8)
    >>> crowding.arguments
    ('landed_3h', 'landed_24h')
    """
    name = getattr(function, "__name__", "")
    if not inspect.isfunction(function) or not NAME.fullmatch(name):
        mend = "Decorate a named function: def name(feature, ...)."
        raise InvalidInput(f"{function!r} cannot be a transform.", mend=mend)
    parameters = inspect.signature(function).parameters.values()
    for one in parameters:
        if one.kind is not one.POSITIONAL_OR_KEYWORD or one.default is not one.empty:
            raise InvalidInput(
                f"Argument {one.name!r} of transform {name!r} cannot name a feature.",
                mend="Use plain arguments without defaults, each the name of a feature.",
                transform=name,
            )
    if not parameters:
        mend = "Name at least one feature."
        raise InvalidInput(f"Transform {name!r} has no arguments.", mend=mend, transform=name)
    return Transform(name, tuple(one.name for one in parameters), function)


def run_on_values(
    transforms: Sequence[Transform], kinds: Mapping[str, FeatureKind], columns: dict[str, Sequence[Value]]
) -> None:
    """Add each transform's column to ``columns`` of plain values, in order; missing is None."""
    arrays: dict[str, Array] = {}
    for one in transforms:
        for name in one.arguments:
            if name not in arrays:
                arrays[name] = _array(columns[name], kinds[name])
        arrays[one.name] = one.run(arrays)
        columns[one.name] = [None if value != value else value for value in arrays[one.name].tolist()]


def _array(values: Sequence[Value], kind: FeatureKind) -> Array:
    if kind == "text":
        return np.array(values, dtype=object)
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _readonly(column: Array) -> Array:
    view = column.view()
    view.flags.writeable = False
    return view
