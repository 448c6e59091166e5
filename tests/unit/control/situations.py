"""Situations of a made-up champion, for policies to judge."""

from __future__ import annotations

import dataclasses
from typing import Any

import homeostat as hs
from homeostat.control.policies.situation import DriftWindow, Look, Outlook, Situation, Trailing
from homeostat.control.state import Answer, Question
from homeostat.kernel.clock import duration
from homeostat.stats.intervals import Interval

DAY = duration("1d")
DEFAULT = hs.Retrain()


def interval(low: float, high: float, blocks: int = 10) -> Interval:
    return Interval((low + high) / 2, low, high, blocks, blocks * 900, 0.9)


def looks(*highs: float | None) -> Trailing:
    told = [
        Look(f"2013-03-{n:02}", None if high is None else interval(high - 0.1, high)) for n, high in enumerate(highs, 1)
    ]
    return Trailing(14, 0.9, tuple(told))


def lately(seen: Interval | None) -> Trailing:
    return Trailing(3, 0.9, (Look("2013-03-03", seen),))


FINE, LOST = looks(0.11, 0.11, 0.11), looks(0.07, 0.07, 0.07)
CALM, BAD = lately(interval(0.0, 0.2, 3)), lately(interval(-0.5, 0.01, 3))
BASE = Situation(
    now=100 * DAY,
    local="1970-04-11T00:00",
    champion="v1",
    since=70 * DAY,
    promise=interval(0.08, 0.12),
    realised=(FINE, CALM),
    learnt=10_000,
)


def of(**changes: Any) -> Situation:
    return dataclasses.replace(BASE, **changes)


LIMITS = dict.fromkeys("abc", 0.2)
DRIFTED = tuple(
    DriftWindow("psi", 1, f"d{n}", {"a": value, "b": 0.1, "c": None}, LIMITS) for n, value in enumerate((0.1, 0.3, 0.5))
)


PRICED = Outlook("EUR", lost=(9.0, 11.0), bearable=10.0, interval=33.0, each=80.0)


ALARM = of(realised=(FINE, BAD), since=99 * DAY, local="1970-04-11T23:00", trainings=2)
NEED = of(realised=(LOST, CALM), local="1970-04-11T23:00", trainings=2)


def asked(at: int, *, answer: Answer | None = None) -> Question:
    return Question("demo/propose/v2", "train v2", at * DAY, ("because",), answer)
