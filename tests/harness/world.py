"""A small world with one relation that changes on a stated day, and the loop file that learns it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from homeostat.kernel.clock import format_instant, parse_instant

DAY = 86_400_000_000
HOUR = 3_600_000_000
BEGINS = parse_instant("2024-01-01T00:00:00Z")
LOOP = "visits"
Row = dict[str, Any]

LOOP_FILE = '''
"""Does a visit end in a purchase?"""

import homeostat as hs

visits = hs.Table(
    "visits",
    key="visit",
    event_time="at",
    contract={
        "visit": hs.text(),
        "at": hs.instant(),
        "due": hs.instant(),
        "x": hs.number(-50, 50),
        "shop": hs.text(categories=["north", "south"]),
    },
)
purchases = hs.Table(
    "purchases",
    key="visit",
    event_time="at",
    contract={"visit": hs.text(), "at": hs.instant(), "shop": hs.text(), "spent": hs.number(0, 1000)},
)


def train(rows, config):
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    numbers = [name for name in rows.features.columns if name != "shop"]
    columns = ColumnTransformer(
        [("shop", OneHotEncoder(handle_unknown="ignore"), ["shop"]), ("numbers", SimpleImputer(), numbers)]
    )
    model = Pipeline([("columns", columns), ("model", LogisticRegression(C=config["c"]))])
    label = rows.label
    TRAIN_HOOK
    return model.fit(rows.features, label)


loop = hs.Loop(
    name="visits",
    question=visits,
    features=[
        visits["x", "shop"],
        hs.Window(purchases, by="shop", over=["6h"], values={"spent": hs.mean("spent"), "bought": hs.count()}),
    ],
    label=hs.Label(purchases, "spent > 10", matures="2h after due"),
    train=train,
    config={"c": 1.0},
    retrain=hs.Retrain(
        when=hs.Emergency() | hs.Realised(tolerance=0.1, trail=3) | hs.Schedule(at_latest="20d"),
        cool_down="5d",
        holdout="3d",
        first_holdout="3d",
        min_rows=300,
        history="10d",
    ),
    gate=hs.Gate(min_days=3, margin=0.05),
    rollout=hs.Canary(holds=("3d", "1d", "1d", "1d"), margin=0.05),
)
'''


@dataclass(frozen=True, slots=True)
class World:
    """Makes visits and, an hour later, what they came to.

    On the days ``changes <= day < reverts`` x means its opposite; ``shops`` are where visits may happen.
    """

    changes: int = 10_000
    reverts: int = 10_000
    per_hour: int = 12
    seed: int = 1
    shops: tuple[str, ...] = ("north", "south")

    def hours(self, first_day: int, last_day: int) -> Iterator[tuple[int, list[Row], list[Row]]]:
        """Per hour of the days ``first_day <= day < last_day``: its end, visits asked in it, purchases known in it."""
        yield from self.span(first_day * 24, last_day * 24)

    def span(self, first: int, last: int) -> Iterator[tuple[int, list[Row], list[Row]]]:
        """The same per hour ``first <= hour < last``, counted from the beginning."""
        for hour in range(first, last):
            made = self._hour(hour)
            before = self._hour(hour - 1) if hour else ([], [])
            yield BEGINS + (hour + 1) * HOUR, made[0], before[1]

    def _hour(self, hour: int) -> tuple[list[Row], list[Row]]:
        drawn = np.random.default_rng([self.seed, hour])
        x = drawn.normal(size=self.per_hour)
        turn = -1.0 if self.changes <= hour // 24 < self.reverts else 1.0
        bought = drawn.random(self.per_hour) < 1 / (1 + np.exp(-2.0 * turn * x))
        shops = drawn.choice(list(self.shops), size=self.per_hour)
        visits, purchases = [], []
        for place in range(self.per_hour):
            at = BEGINS + hour * HOUR + place * (HOUR // self.per_hour)
            name = f"{hour}-{place}"
            told = {"visit": name, "shop": str(shops[place])}
            visits.append(
                {**told, "at": format_instant(at), "due": format_instant(at + HOUR), "x": round(float(x[place]), 6)}
            )
            spent = 20.0 if bought[place] else 5.0
            purchases.append({**told, "at": format_instant(at + HOUR), "spent": spent})
        return visits, purchases


def write_loop(folder: Path, hook: str = "pass", text: str = LOOP_FILE) -> Path:
    """The loop file, with a line of its own between the data and the fit."""
    path = folder / "loop.py"
    path.write_text(text.replace("TRAIN_HOOK", hook))
    return path


def day(number: int) -> int:
    """The instant at which a day begins."""
    return BEGINS + number * DAY
