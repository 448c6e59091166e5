"""Why a loop has no version to answer with: said by control, told by every door to whoever asks."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has to happen before a first version serves.

    ``code`` is stable: ``collecting`` (labels are still too few), ``training``, ``rejected`` (the gate turned the
    newest version away), ``failed`` (its training did). The last two are tried again at ``next_try`` (event time).
    """

    code: str
    text: str
    version: str | None = None
    next_try: Instant | None = None


_MENDS = {
    "collecting": "Send events and their outcomes; the first version is trained by itself once there are enough.",
    "training": "Ask again in a while.",
    "rejected": "Send more events and outcomes; it is tried again from {next_try} on, and at once where the code is"
    " another when Homeostat is next started.",
    "failed": "See 'homeostat decisions', mend the cause and start Homeostat again: changed code is tried at once; or"
    " else it is tried again from {next_try} on.",
}
_UNTOLD = Waiting("unknown", "nothing was said of a first version so far")


def no_version(loop: str, waiting: Waiting | None = None, problem: str | None = None) -> Unavailable:
    """What a loop says while no version serves; ``problem`` is why a routed one cannot.

    >>> no_version("late", Waiting("training", "v1 is being trained", "v1")).problem
    "Loop 'late' has no version to answer with: v1 is being trained."
    >>> no_version("late", problem="Version v1 is not loaded.").problem
    "Loop 'late' has no version to answer with: Version v1 is not loaded."
    """
    told = waiting or _UNTOLD
    next_try = None if told.next_try is None else format_instant(told.next_try)
    said = None if problem and waiting is None else f"{told.text}."
    why = " ".join(one for one in (problem, said) if one)
    return Unavailable(
        f"Loop {loop!r} has no version to answer with: {why}",
        mend=_MENDS.get(told.code, "Ask again in a while.").format(next_try=next_try),
        loop=loop,
        reason=told.code,
        version=told.version,
        next_try=next_try,
    )
