"""The two loops that are served: 20 columns of the question, and three views over two entities."""

from __future__ import annotations

LOOP = "bench"
PLAIN = '''
"""Twenty features, all columns of the question."""

import homeostat as hs

names = tuple(f"c{place}" for place in range(20))
numbers = {name: hs.number() for name in names}
asked = hs.Table("asked", key="id", event_time="at", contract={"id": hs.text(), "at": hs.instant(), **numbers})
truth = hs.Table("truth", key="id", event_time="at", contract={"id": hs.text(), "at": hs.instant(), "y": hs.boolean()})


def train(rows, config):
    raise NotImplementedError("versions are made beforehand")


loop = hs.Loop(
    name="bench", question=asked, features=[asked[names]], label=hs.Label(truth, "y", matures="24h after at"),
    train=train,
)
'''
ONLINE = '''
"""Twenty features: eight of the question, and three views over shops and people."""

import homeostat as hs


def table(name, key, *texts, numbers=()):
    contract = {name: hs.text() for name in (key, *texts)} | {name: hs.number() for name in numbers}
    return hs.Table(name, key=key, event_time="at", contract={"at": hs.instant(), **contract})


direct = tuple(f"c{place}" for place in range(8))
asked = table("asked", "id", "shop", "person", numbers=direct)
shops = table("shops", "shop", numbers=("s0", "s1", "s2", "s3"))
people = table("people", "person", numbers=("p0", "p1", "p2", "p3"))
sales = table("sales", "id", "shop", numbers=("price",))
truth = hs.Table("truth", key="id", event_time="at", contract={"id": hs.text(), "at": hs.instant(), "y": hs.boolean()})


def train(rows, config):
    raise NotImplementedError("versions are made beforehand")


loop = hs.Loop(
    name="bench",
    question=asked,
    features=[
        asked[direct],
        hs.Latest(shops, by="shop", columns=["s0", "s1", "s2", "s3"]),
        hs.Latest(people, by="person", columns=["p0", "p1", "p2", "p3"]),
        hs.Window(sales, by="shop", over=["24h", "7d"], values={"sold": hs.count(), "price": hs.mean("price")}),
    ],
    label=hs.Label(truth, "y", matures="24h after at"),
    train=train,
)
'''
