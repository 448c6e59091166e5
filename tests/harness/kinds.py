"""The small world asked for other answers than yes or no: how much a visit spends, and what it buys."""

from __future__ import annotations

import dataclasses

import numpy as np

from homeostat.kernel.clock import format_instant
from tests.harness.world import BEGINS, HOUR, LOOP_FILE, Row, World

NUMBER_FILE = (
    LOOP_FILE.replace("import LogisticRegression", "import LinearRegression")
    .replace('LogisticRegression(C=config["c"])', "LinearRegression()")
    .replace("hs.number(0, 1000)", "hs.number(-1000, 1000)")
    .replace('"spent > 10"', '"spent"')
)
"""How much is spent: a regression by the mean."""
CLASS_FILE = LOOP_FILE.replace(
    '"spent": hs.number(0, 1000)}', '"spent": hs.number(0, 1000), "what": hs.text()}'
).replace(
    '"spent > 10", matures="2h after due"', '"what", classes=["nothing", "bread", "cake"], matures="2h after due"'
)
"""What is bought: one of three classes, of which cake is rare."""
BUYS = "buys"
BOTH_FILE = (
    NUMBER_FILE.replace('"spent": hs.number(-1000, 1000)}', '"spent": hs.number(-1000, 1000), "what": hs.text()}')
    + f'''

def sort(rows, config):
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    columns = ColumnTransformer([("x", "passthrough", ["x"])])
    return make_pipeline(columns, LogisticRegression(C=config["c"])).fit(rows.features, rows.label)


buys = hs.Loop(
    name="{BUYS}",
    question=visits,
    features=loop.features,
    label=hs.Label(purchases, "what", classes=["nothing", "bread", "cake"], matures="2h after due"),
    train=sort,
    config={{"c": 1.0}},
    slices=["shop"],
    retrain=loop.retrain,
    gate=loop.gate,
    rollout=loop.rollout,
)
'''
)
"""Both, of the same visits, in one installation."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spending(World):
    """Spent is 50 + 10 x and some chance; on the days of the change 50 - 10 x."""

    def _hour(self, hour: int) -> tuple[list[Row], list[Row]]:
        visits, purchases = World._hour(self, hour)
        drawn = np.random.default_rng([self.seed, hour, 1])
        turn = -1.0 if self.changes <= hour // 24 < self.reverts else 1.0
        for visit, purchase in zip(visits, purchases, strict=True):
            purchase["spent"] = round(50.0 + 10.0 * turn * visit["x"] + float(drawn.normal(scale=3.0)), 3)
        return visits, purchases


@dataclasses.dataclass(frozen=True, slots=True)
class Buying(World):
    """What is bought hangs on x: most buy nothing below 0, bread above, and cake above 1 now and then."""

    def _hour(self, hour: int) -> tuple[list[Row], list[Row]]:
        visits, purchases = World._hour(self, hour)
        drawn = np.random.default_rng([self.seed, hour, 2])
        turn = -1.0 if self.changes <= hour // 24 < self.reverts else 1.0
        for visit, purchase in zip(visits, purchases, strict=True):
            pull = np.array([0.0, 2.0 * turn * visit["x"], 3.0 * turn * visit["x"] - 3.0])
            chances = np.exp(pull) / np.exp(pull).sum()
            purchase["what"] = str(drawn.choice(["nothing", "bread", "cake"], p=chances))
        return visits, purchases


@dataclasses.dataclass(frozen=True, slots=True)
class Shopping(World):
    """Both of these, on the same visits."""

    def _hour(self, hour: int) -> tuple[list[Row], list[Row]]:
        visits, purchases = Spending._hour(self, hour)  # type: ignore[arg-type]
        for purchase, bought in zip(purchases, Buying._hour(self, hour)[1], strict=True):  # type: ignore[arg-type]
            purchase["what"] = bought["what"]
        return visits, purchases


def question(number: int, x: float) -> Row:
    """A visit of one's own, asked about in the hour before ``number`` ends."""
    at = BEGINS + number * HOUR
    told = {"visit": f"own-{number}-{x}", "shop": "north", "x": x}
    return {**told, "at": format_instant(at), "due": format_instant(at + HOUR)}
