"""The slices that a loop declares: checked when the loop is made, so that no figure of them is missed later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from homeostat.data.checks import did_you_mean
from homeostat.data.log_policy import Log
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.kernel.errors import InvalidInput
from homeostat.monitoring.kept_slices import Slice

MOST_SLICES = 12
_BY_VALUE = ("text", "boolean")


def declared_slices(loop: str, slices: object, question: Table, features: FeatureSet, log: Log) -> tuple[Slice, ...]:
    """Slices as tuples of one or two columns. Raises: InvalidInput that names the slice and what to write instead.

    A feature is sliced by its served value, whatever its kind; any other column of the question by its text.
    """
    if isinstance(slices, str) or not isinstance(slices, Sequence):
        mend = 'Give slices=["column", ("column", "other column")].'
        raise InvalidInput(f"Loop {loop!r}: its slices are no list.", mend=mend)
    found = tuple(_columns(loop, one) for one in slices)
    for of in found:
        for name in of:
            _check_column(loop, name, question, features, log)
    twice = [of for place, of in enumerate(found) if {*of} in [{*one} for one in found[:place]]]
    if twice:
        raise InvalidInput(f"Loop {loop!r}: slice {_shown(twice[0])} is declared twice.", mend="Name it once.")
    if len(found) > MOST_SLICES:
        mend = f"Declare {MOST_SLICES} at most: each is kept with every day."
        raise InvalidInput(f"Loop {loop!r}: {len(found)} slices are too many.", mend=mend, slices=len(found))
    return found


def _columns(loop: str, one: object) -> Slice:
    pair = tuple(cast("Sequence[object]", one)) if isinstance(one, tuple | list) else ()
    of = (one,) if isinstance(one, str) else pair
    if not 1 <= len(of) <= 2 or not all(isinstance(name, str) for name in of) or len(set(of)) < len(of):
        mend = 'Give the name of a column, or a pair of two such as ("origin", "carrier").'
        raise InvalidInput(f"Loop {loop!r}: {one!r} is no slice.", mend=mend)
    return cast("Slice", of)


def _check_column(loop: str, name: str, question: Table, features: FeatureSet, log: Log) -> None:
    if name in features.kinds:
        return
    column = question.contract.get(name)
    if column is None:
        mend = did_you_mean(name, {*question.contract, *features.kinds})
        raise InvalidInput(f"Loop {loop!r}: no feature or column of its question is named {name!r}.", mend=mend)
    if column.kind not in _BY_VALUE:
        mend = "Make it a feature: numbers are cut at the quantiles of what was trained on."
        raise InvalidInput(f"Loop {loop!r}: slice {name!r} is of kind {column.kind} and no feature.", mend=mend)
    if name in log.left_out:
        mend = "Keep or hash it: slices are counted from the log."
        raise InvalidInput(f"Loop {loop!r}: slice {name!r} is left out of its log.", mend=mend, column=name)


def _shown(of: Slice) -> str:
    return repr(of[0] if len(of) == 1 else of)
