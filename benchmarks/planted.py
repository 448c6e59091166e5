"""Days of rows with a known model, and twelve causes planted into the last of them, each in several strengths."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.data.profiles import ProfileKind, ReferenceProfile
from homeostat.monitoring.history import DayFacts, History, Rows
from homeostat.monitoring.skew import SkewDay

DAYS, CHANGE = 42, 28
"""Days in all, and the first of them that is changed; the last two have no labels yet."""
FIRST = 15_800
ROWS = 300
_DAY, _NEW_YORK_NIGHT = 86_400_000_000, 4 * 3_600_000_000
Columns = dict[str, NDArray[Any]]
Score = Callable[[Columns], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class World:
    """Rows of some days with a model that fits them: nothing is wrong.

    ``twin`` are numbers that can change places, ``big`` one that is never near 0, ``telling`` one that the truth hangs
    on, ``group`` a text and one of its values.
    """

    name: str
    columns: Columns
    truth: NDArray[np.float64]
    days: NDArray[np.int64]
    score: Score
    profile: ReferenceProfile
    twin: tuple[str, str]
    big: str
    telling: str
    group: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Planted:
    """A world into which something was planted. ``honest`` is what tables would give for the columns served."""

    world: World
    columns: Columns
    truth: NDArray[np.float64]
    days: NDArray[np.int64]
    honest: Columns
    stale: tuple[int, ...] = ()
    noise: float = 0.0

    @classmethod
    def nothing(cls, world: World) -> Planted:
        """The world as it is."""
        columns = {name: values.copy() for name, values in world.columns.items()}
        return cls(world, columns, world.truth.copy(), world.days.copy(), columns)

    @property
    def later(self) -> NDArray[np.bool_]:
        """The rows of changed days."""
        return np.asarray(self.days >= CHANGE)

    def take(self, rows: NDArray[np.int64]) -> Planted:
        """Some rows, or some of them twice."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return dataclasses.replace(self, columns=columns, truth=self.truth[rows], days=self.days[rows], honest=columns)

    def history(self, rng: np.random.Generator) -> History:
        """The evidence that a home with these rows would give."""
        sound = self.world.score(self.columns)
        truth = np.where(self.days < DAYS - 2, self.truth, np.nan)
        odds = np.log(sound / (1.0 - sound)) + rng.normal(0.0, 1.0, sound.size) * self.noise
        rows = Rows(self.days + FIRST, self.columns, 1.0 / (1.0 + np.exp(-odds)), truth)
        standby = dataclasses.replace(rows, scores=sound)
        checked = rng.random(self.days.size) < 0.05
        facts = [self._facts(rows, day, standby, checked) for day in range(DAYS)]
        return History(tuple(facts), rows, self.world.profile)

    def _facts(self, rows: Rows, day: int, standby: Rows, checked: NDArray[np.bool_]) -> DayFacts:
        name = str(np.datetime64(day + FIRST, "D"))
        mine, known = rows.of_day(name), day < DAYS - 2
        return DayFacts(
            name,
            int(mine.days.size),
            mine.missing(),
            fresh={"table source": day not in self.stale},
            skew=self._skew(checked & (self.days == day)),
            labelled=int(mine.labelled.days.size) if known else None,
            positives=int(np.nansum(mine.truth)) if known else None,
            unlabelled=0 if known else None,
            loss=mine.cost(),
            standby=standby.of_day(name).cost() if self.noise else None,
        )

    def _skew(self, checked: NDArray[np.bool_]) -> SkewDay:
        differing = {
            name: int((_words(values[checked]) != _words(self.honest[name][checked])).sum())
            for name, values in self.columns.items()
        }
        return SkewDay(0.05, int(checked.sum()), differing, {})


def _words(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(str)


def _chosen(planted: Planted, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    return np.asarray(planted.later & (rng.random(planted.days.size) < share))


def _missing(planted: Planted, share: float, rng: np.random.Generator) -> Planted:
    planted.columns[planted.world.telling][_chosen(planted, share, rng)] = np.nan
    return planted


def _unit(planted: Planted, share: float, rng: np.random.Generator) -> Planted:
    planted.columns[planted.world.big][_chosen(planted, share, rng)] *= 1_000.0
    return planted


def _swapped(planted: Planted, share: float, rng: np.random.Generator) -> Planted:
    one, two = (planted.columns[name] for name in planted.world.twin)
    rows = _chosen(planted, share, rng)
    one[rows], two[rows] = two[rows], one[rows].copy()
    return planted


def _stale(planted: Planted, share: float, rng: np.random.Generator) -> Planted:
    """The source of the telling column is silent: its last value stays."""
    values, silent = planted.columns[planted.world.telling], DAYS - round(share * (DAYS - CHANGE))
    before = values[(planted.days == silent - 1) & ~np.isnan(values)]
    values[planted.days >= silent] = before[-1]
    return dataclasses.replace(planted, stale=tuple(range(silent, DAYS)))


def _volume(planted: Planted, share: float, rng: np.random.Generator) -> Planted:
    kept = ~planted.later | (rng.random(planted.days.size) < 1.0 - share)
    return planted.take(np.flatnonzero(kept))


def _skew(planted: Planted, share: float, rng: np.random.Generator) -> Planted:
    """What is served is some other row's value: as from a store that is behind."""
    honest = {name: values.copy() for name, values in planted.columns.items()}
    rows = np.flatnonzero(_chosen(planted, share, rng))
    values = planted.columns[planted.world.telling]
    values[rows] = values[rng.permutation(rows)]
    return dataclasses.replace(planted, honest=honest)


def _segment(planted: Planted, share: float, rng: np.random.Generator) -> Planted:
    name, value = planted.world.group
    return _flipped(planted, _chosen(planted, share, rng) & (planted.columns[name] == value))


def _sudden(planted: Planted, share: float, rng: np.random.Generator) -> Planted:
    return _flipped(planted, _chosen(planted, share, rng))


def _gradual(planted: Planted, share: float, rng: np.random.Generator) -> Planted:
    """From a quarter of the days on, ever more rows: at the end this share."""
    slope = np.clip((planted.days - DAYS / 4) / (DAYS * 3 / 4), 0.0, 1.0)
    return _flipped(planted, rng.random(planted.days.size) < share * slope)


def _flipped(planted: Planted, rows: NDArray[np.bool_]) -> Planted:
    planted.truth[rows] = 1.0 - planted.truth[rows]
    return planted


def _covariate(planted: Planted, strength: float, rng: np.random.Generator) -> Planted:
    """Later days have more of the rows that the model is unsure about: known inputs in other shares."""
    scores = planted.world.score(planted.columns)
    odds = np.exp(3.0 * strength * (1.0 - np.abs(2.0 * scores - 1.0)))
    rows = [np.flatnonzero(planted.days == day) for day in range(CHANGE)]
    for day in range(CHANGE, DAYS):
        of_day = np.flatnonzero(planted.days == day)
        rows.append(rng.choice(of_day, of_day.size, p=odds[of_day] / odds[of_day].sum()))
    return planted.take(np.concatenate(rows))


def _unseen(planted: Planted, share: float, rng: np.random.Generator) -> Planted:
    """A region that never was: a new name, a number far beyond all others, and a truth that is a coin's."""
    rows = _chosen(planted, share, rng)
    planted.columns[planted.world.group[0]][rows] = "XNA"
    planted.columns[planted.world.big][rows] = 4.0 * np.nanmax(planted.world.columns[planted.world.big])
    planted.truth[rows] = (rng.random(int(rows.sum())) < 0.5) * 1.0
    return planted


def _release(planted: Planted, noise: float, rng: np.random.Generator) -> Planted:
    """The judged version answers as the sound one with noise in its log-odds; the sound one stands by."""
    return dataclasses.replace(planted, noise=noise)


def _none(planted: Planted, strength: float, rng: np.random.Generator) -> Planted:
    return planted


KINDS: Mapping[str, tuple[str, Callable[[Planted, float, np.random.Generator], Planted], tuple[float, ...]]] = {
    "missing column": ("broken_data", _missing, (0.2, 0.5, 1.0)),
    "unit x 1,000": ("broken_data", _unit, (0.2, 0.5, 1.0)),
    "swapped columns": ("broken_data", _swapped, (0.3, 0.6, 1.0)),
    "stale source": ("broken_data", _stale, (0.2, 0.5, 1.0)),
    "volume drop": ("broken_data", _volume, (0.3, 0.6, 0.9)),
    "serving skew": ("skew", _skew, (0.1, 0.3, 0.8)),
    "worse release": ("bad_release", _release, (0.5, 1.0, 2.0)),
    "one segment": ("one_segment", _segment, (0.2, 0.4, 0.6)),
    "covariate shift": ("covariate_shift", _covariate, (0.3, 0.6, 1.0)),
    "unseen region": ("unseen_inputs", _unseen, (0.05, 0.15, 0.3)),
    "sudden concept": ("sudden_change", _sudden, (0.05, 0.1, 0.2)),
    "gradual concept": ("gradual_drift", _gradual, (0.1, 0.2, 0.4)),
    "nothing": ("nothing", _none, (0.0,)),
}
"""By kind: the cause to be found, how it is planted, and how strongly."""


def planted_history(world: World, kind: str, strength: float, seed: int) -> History:
    """The evidence of a world with one thing wrong."""
    rng = np.random.default_rng(seed)
    return KINDS[kind][1](Planted.nothing(world), strength, rng).history(rng)


def generated(seed: int) -> World:
    """A stream that is drawn: numbers and texts, a truth that is logistic in some of them, days with moods of
    their own."""
    rng = np.random.default_rng([seed, 1])
    size = DAYS * ROWS
    days = np.repeat(np.arange(DAYS), ROWS)
    mood = rng.normal(0.0, 0.1, DAYS)[days]
    columns: Columns = {
        "load": rng.normal(0.0, 1.0, size) + mood,
        "price": rng.lognormal(3.0, 0.5, size),
        "age": rng.uniform(18.0, 80.0, size),
        "visits": rng.poisson(4.0, size).astype(np.float64),
        "region": rng.choice(np.array([*"abcdefgh"], object), size, p=[0.3, 0.2, 0.15, 0.1, 0.08, 0.07, 0.05, 0.05]),
        "channel": rng.choice(np.array(["web", "shop", "phone"], object), size, p=[0.6, 0.3, 0.1]),
    }
    columns["load"][rng.random(size) < 0.03] = np.nan
    truth = (rng.random(size) < _odds(columns, mood)) * 1.0
    return _world("generated", columns, truth, days, _odds, ("price", "age"), "price", "load", ("region", "d"))


def _odds(columns: Columns, mood: NDArray[np.float64] | float = 0.0) -> NDArray[np.float64]:
    load = np.nan_to_num(columns["load"])
    odds = -1.8 + 1.6 * load + 0.03 * (columns["age"] - 50.0) + 0.5 * (columns["channel"] == "web") + mood
    odds += 0.4 * np.log(np.maximum(columns["price"], 1e-9) / 20.0) + 0.1 * (columns["visits"] - 4.0)
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))))


def flights(seed: int) -> World:
    """Real flights: days of February to May in an order of their own, so that nothing changes but what is planted.

    Every second day of that order trains a small model of boosted trees; the others are the world. Weekdays stay
    with weekdays.
    """
    columns, truth, days, score = _flights(seed)
    name = ("hour", "minute")
    return _world("flights", columns, truth, days, score, name, "distance", "wind_speed", ("carrier", "DL"))


def _flights(seed: int) -> tuple[Columns, NDArray[np.float64], NDArray[np.int64], Score]:
    rng, (table, truth, days) = np.random.default_rng([seed, 2]), _timetable()
    names = np.unique(days)
    by_weekday = {weekday: list(rng.permutation(names[names % 7 == weekday])) for weekday in range(7)}
    order = np.array([by_weekday[(FIRST + place) % 7].pop() for place in range(DAYS)], dtype=np.int64)
    rest = np.isin(days, [day for left in by_weekday.values() for day in left])
    score = _trees({name: values[rest] for name, values in table.items()}, truth[rest], seed)
    rows, place = [], []
    for number, day in enumerate(order):
        of_day = np.flatnonzero(days == day)
        rows.append(rng.choice(of_day, min(ROWS, of_day.size), replace=False))
        place.append(np.full(rows[-1].size, number))
    chosen = np.concatenate(rows)
    return {name: values[chosen] for name, values in table.items()}, truth[chosen], np.concatenate(place), score


def _trees(table: Columns, truth: NDArray[np.float64], seed: int) -> Score:
    from lightgbm import LGBMClassifier

    texts = {name: np.unique(values.astype(str)) for name, values in table.items() if values.dtype == object}

    def coded(columns: Columns) -> NDArray[np.float64]:
        parts = []
        for name, values in columns.items():
            if name in texts:
                place = np.searchsorted(texts[name], values.astype(str)) % texts[name].size
                values = np.where(texts[name][place] == values.astype(str), place, -1)
            parts.append(values.astype(np.float64))
        return np.stack(parts, axis=1)

    model = LGBMClassifier(n_estimators=60, learning_rate=0.08, n_jobs=1, random_state=seed, verbosity=-1)
    model.fit(coded(table), truth)
    return lambda columns: np.asarray(model.predict_proba(coded(columns))[:, 1])


@cache
def _timetable() -> tuple[Columns, NDArray[np.float64], NDArray[np.int64]]:
    """Flights of February to May that arrived, with the weather at their origin two hours before."""
    import polars as pl

    from examples.flights.source import load

    year = load()
    asked = year.departures.filter(pl.col("month").is_between(2, 5))
    told = asked.join(year.arrivals.select("flight_id", "arr_delay"), on="flight_id").sort("known")
    both = told.join_asof(
        year.weather.sort("known"), on="known", by="origin", strategy="backward", check_sortedness=False
    )
    numbers = ("distance", "hour", "minute", "weekday", "scheduled_minutes", "temp", "humid", "wind_speed", "visib")
    columns: Columns = {name: both[name].cast(pl.Float64).to_numpy().copy() for name in numbers}
    columns |= {name: np.array(both[name].to_list(), dtype=object) for name in ("carrier", "origin", "dest")}
    days = (both["known"].to_numpy() - _NEW_YORK_NIGHT) // _DAY
    return columns, (both["arr_delay"].to_numpy() > 15) * 1.0, days.astype(np.int64)


def _world(
    name: str,
    columns: Columns,
    truth: NDArray[np.float64],
    days: NDArray[np.int64],
    score: Score,
    twin: tuple[str, str],
    big: str,
    telling: str,
    group: tuple[str, str],
) -> World:
    kinds: dict[str, ProfileKind] = {
        one: "text" if values.dtype == object else "number" for one, values in columns.items()
    }
    old = days < CHANGE
    profile = ReferenceProfile.of(kinds, {one: values[old] for one, values in columns.items()}, score(columns)[old])
    return World(name, columns, truth, days, score, profile, twin, big, telling, group)
