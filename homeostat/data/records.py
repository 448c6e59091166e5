"""The record of one served prediction, as it crosses the spool."""

from __future__ import annotations

import msgspec

from homeostat.data.contracts import Value
from homeostat.kernel.clock import Instant


class PredictionRecord(msgspec.Struct, frozen=True):
    """Everything needed to explain or recompute one prediction later.

    ``key`` is ``Table.key_of`` of the question row; ``asked_at`` is its event time, ``served_at`` the clock's
    now; features were read at ``read_sequence``. ``arm`` is "champion" or "canary"; ``fell_back`` says that
    the arm failed and the champion answered. ``question`` is the whole parsed row; ``features`` are ordered
    as the feature set's names, missing as None; ``defaulted`` names those for which a declared default stands.
    ``definitions`` is the hash of that feature set, ``environment`` of the library versions that computed it;
    empty in records older than their keeping. ``keyed`` says that its request may be tried again, under the same id.
    ``prediction`` is true or false, a number, or a class; ``probability`` that of true, one for each class in the
    loop's order, or None beside a number.
    ``weight`` is how many predictions it stands for, where one in ``one_in`` of the ordinary ones is kept; 0 for one
    that is not. ``acts``, ``explored`` and ``propensity`` are what a declared feedback drew (`data.feedback`); ``acts``
    is None where none is declared, and with a ``propensity`` of 0 where callers report later what they did.
    ``trace_id`` is that of the request's trace, in hexadecimal; None where it has none.
    """

    prediction_id: str
    loop: str
    key: str
    asked_at: Instant
    served_at: Instant
    read_sequence: int
    version: str
    arm: str
    generation: int
    probability: float | list[float] | None
    prediction: bool | float | str
    latency_us: int
    fell_back: bool
    question: dict[str, Value]
    features: list[Value]
    definitions: str = ""
    environment: str = ""
    defaulted: tuple[str, ...] = ()
    keyed: bool = False
    weight: int = 1
    one_in: int = 1
    acts: bool | None = None
    explored: bool = False
    propensity: float = 1.0
    trace_id: str | None = None
