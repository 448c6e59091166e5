"""What a version of a loop costs and what skill is worth on it: the loop's own prices, or log-loss alone."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.control.economics.figures import Missing, asked
from homeostat.control.economics.inputs import Economics

NEEDED = ("skill_value", "training_hour", "person_hour", "validation_hours", "deployment_hours", "bad_release")
"""The inputs of ``hs.Economics`` without which nothing can be said in money."""
LOSS = "nats"
"""The unit where prices are not known: log-loss, summed over predictions."""
SHARES = "shares"
"""The same of predicted numbers: losses as shares of what the best constant costs a row."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What one unit of skill is worth on one prediction, and what versions cost; in ``unit``.

    Without money (``unit`` is nats) what counts is log-loss itself, and every training costs ``training``.
    ``training_hour`` is the machine's price; ``training`` people's work, ``release`` and ``taken_back`` come on top.
    """

    unit: str
    skill_value: float | None
    training: float = 0.0
    training_hour: float = 0.0
    release: float = 0.0
    taken_back: float = 0.0


def prices_of(declared: Economics | None) -> Prices | Missing:
    """The loop's own prices; what lacks, where one does.

    >>> prices_of(None).asks[:2]
    ('skill_value', 'training_hour')
    """
    lacking = [name for name in NEEDED if declared is None or declared.get(name) is None]
    if declared is None or lacking:
        return asked("money", *lacking)
    said = declared.given
    return Prices(
        declared.currency,
        said["skill_value"],
        said["validation_hours"] * said["person_hour"],
        said["training_hour"],
        said["deployment_hours"] * said["person_hour"],
        said["bad_release"],
    )
