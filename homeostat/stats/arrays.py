"""Doors of the statistics: arrays of the right shape, with nothing missing, or an error with its mend."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.kernel.errors import InvalidInput, NotEnoughData

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
_SUM_TOLERANCE = 1e-6


def finite(name: str, values: ArrayLike) -> Floats:
    """One-dimensional float64 without NaN or infinity, so that nothing missing is averaged silently.

    Raises: InvalidInput naming ``name`` when a value is missing or infinite, or the shape is wrong.
    """
    array = _floats(name, values)
    if array.ndim != 1:
        raise InvalidInput(f"{name} has {array.ndim} dimensions.", mend="Pass one value per row.", name=name)
    bad = int(array.size - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise InvalidInput(
            f"{name} has {bad} values of {array.size} that are missing or infinite.",
            mend="Leave such rows out and count them, or find out why they are there.",
            name=name,
            bad=bad,
        )
    return array


def counts(name: str, values: ArrayLike) -> Floats:
    """Like `finite`, and not negative; whole numbers are kept exactly up to 2**53."""
    array = finite(name, values)
    if array.size and array.min() < 0:
        raise InvalidInput(f"{name} has a negative value.", mend="Pass counts or shares.", name=name)
    return array


def shares(name: str, values: ArrayLike) -> Floats:
    """Like `counts`, adding up to 1.

    Raises: InvalidInput for missing or negative shares, or another sum.
    """
    array = counts(name, values)
    total = float(array.sum())
    if abs(total - 1.0) > _SUM_TOLERANCE:
        raise InvalidInput(f"{name} adds up to {total:.6g}.", mend="Divide counts by their sum.", name=name)
    return array


def filled(name: str, values: ArrayLike) -> Floats:
    """Like `counts`, with something counted. Raises: NotEnoughData where every bin is empty."""
    array = counts(name, values)
    if not array.any():
        raise NotEnoughData(f"{name} has no rows.", mend="Wait for rows of that window.", name=name)
    return array


def binary(labels: ArrayLike) -> Booleans:
    """Labels as booleans; accepts booleans and exact 0 and 1.

    Raises: InvalidInput for anything else; a missing label is never read as false.
    """
    array = np.asarray(labels)
    if array.ndim == 1 and array.dtype == np.bool_:
        return array
    numbers = finite("labels", labels)
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise InvalidInput("Labels other than 0 and 1 were given.", mend="Pass booleans, or 0 and 1.")
    return np.equal(numbers, 1.0)


def scored(labels: ArrayLike, scores: ArrayLike) -> tuple[Booleans, Floats]:
    """Labels and probabilities of the same rows.

    Raises: InvalidInput when lengths differ or a score is missing or outside [0, 1].
    """
    truth, probabilities = binary(labels), finite("scores", scores)
    same_length(labels=truth, scores=probabilities)
    if probabilities.size and (probabilities.min() < 0.0 or probabilities.max() > 1.0):
        raise InvalidInput("A score is outside [0, 1].", mend="Pass probabilities of the positive class.")
    return truth, probabilities


def same_length(**arrays: NDArray[np.generic]) -> None:
    """Raises: InvalidInput when the arrays do not have one value for each row of the other."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InvalidInput(f"Lengths differ: {shown}.", mend="Pass arrays about the same rows.", **lengths)


def _floats(name: str, values: ArrayLike) -> Floats:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} are not numbers.", mend="Pass numbers.", name=name) from error
