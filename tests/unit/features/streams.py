"""Random definitions and random streams, and the promise that all engines keep on them.

``main`` tries the promise on whatever ``homeostat`` is first on the path, and gives 1 when it is broken: so a source
with a fault can be tried.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import homeostat
from homeostat.adapters.sqlite import online_quick, online_windows
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.data.contracts import compile_contract
from homeostat.data.tables import Table
from homeostat.features import tiles
from homeostat.features.definitions import (
    FeatureSet,
    Latest,
    Window,
    count,
    distinct,
    feature_set,
    first,
    last,
    maximum,
    mean,
    minimum,
    quantile,
    share,
    std,
    sum_,
    transform,
)
from homeostat.features.offline import Answers, InMemoryEngine, OfflineEngine
from homeostat.features.online import lookup
from homeostat.features.parity import compare
from homeostat.kernel.clock import format_instant, parse_instant
from tests.unit.features.reference import (
    Question,
    answered,
    asked,
    asked_table,
    prices,
    sales,
    shops,
    stored,
    visits,
    zones,
)

EXAMPLES, SEED = 200, 2
"""Worlds tried, and where their drawing starts: every listed fault breaks the promise within them."""
HOUR = 3_600_000_000
SPRING, AUTUMN = (parse_instant(text) for text in ("2013-03-10T00:00:00-05:00", "2013-11-03T00:00:00-04:00"))


@dataclass(frozen=True)
class Beat:
    """Where event times lie: every moment is a whole number of units from the base, so that edges are hit."""

    base: int
    unit: int
    suffix: str

    def at(self, moment: int) -> int:
        return self.base + moment * self.unit

    def text(self, moment: int, offset: int) -> str:
        """The moment as a producer's clock writes it: its offset changes twice a year, the instant does not."""
        local = format_instant(self.at(moment) + offset * HOUR).removesuffix("Z")
        return f"{local}{offset:+03d}:00"

    def over(self, length: int) -> str:
        return f"{length}{self.suffix}"


BEATS = [Beat(0, 1, "us"), Beat(SPRING, HOUR, "h"), Beat(AUTUMN, HOUR, "h")]


@transform
def nearness(distance: Any, zone: Any) -> Any:
    return 1 / (distance + zone)


@transform
def twice(nearness: Any) -> Any:
    return nearness * 2


NUMBERS = ("price", "pieces", "member")
ADDED_UP = [count(), *(make(name) for make in (sum_, mean, std, minimum, maximum) for name in NUMBERS)]
"""What SQL can add up: windows of nothing else are read in another way."""
AGGREGATES = [
    *ADDED_UP,
    *(make(name) for make in (std, first, last, distinct) for name in NUMBERS),
    *(make("note") for make in (first, last, distinct)),
    distinct("at"),
    *map(share, ["price > 0", "note == 'x'", "member and price >= 0.1", "pieces * 2 < price"]),
    *(quantile(name, q) for name in NUMBERS for q in (0.0, 0.25, 0.9, 1.0)),
]
entities = st.sampled_from(["shop", "zone", ("shop", "zone"), ["shop", ("zone", "shop")], ["zone"]])
lengths = st.integers(1, 6)


@st.composite
def windows(draw: Any, beat: Beat, place: int) -> Window:
    """A window; its name and its values' names keep out of the others' way."""
    chosen = draw(st.lists(st.sampled_from(draw(st.sampled_from([AGGREGATES, ADDED_UP]))), min_size=2, max_size=6))
    values = {f"v{place}_{i}": one for i, one in enumerate(chosen)}
    texts = {name for name, one in values.items() if one.kind in ("first", "last") and one.column == "note"}
    over = [beat.over(length) for length in draw(st.lists(lengths, min_size=1, max_size=2, unique=True))]
    return Window(
        sales,
        draw(entities),
        over,
        values,
        name=f"view{place}",
        default=_defaults(draw, values, texts),
        freshness=draw(st.none() | lengths.map(beat.over)),
    )


@st.composite
def latests(draw: Any, beat: Beat) -> Latest:
    """The newest fact, with or without a greatest age."""
    columns = draw(st.lists(st.sampled_from([*NUMBERS, "note"]), min_size=1, unique=True))
    return Latest(
        sales,
        draw(entities),
        columns,
        draw(st.integers(0, 5).map(lambda length: beat.over(length) if length else None)),
        default=_defaults(draw, columns, {"note"}),
        freshness=draw(st.none() | lengths.map(beat.over)),
    )


def _defaults(draw: Any, names: Any, texts: set[str]) -> dict[str, Any]:
    chosen = draw(st.lists(st.sampled_from(sorted(names)), unique=True))
    return {name: "none" if name in texts else draw(st.sampled_from([0, -7.5])) for name in chosen}


@st.composite
def feature_sets(draw: Any, beat: Beat) -> FeatureSet:
    """Windows of sales, one Latest of them, perhaps one of visits, columns and transforms."""
    views = [draw(windows(beat, place)) for place in range(draw(st.integers(1, 2)))]
    latest = [draw(latests(beat))]
    crowd = Window(visits, "zone", [beat.over(4)], {"people": mean("people"), "n": count()}, default={"people": 0.5})
    more = draw(st.lists(st.sampled_from([asked["shop"], asked["distance"], crowd]), unique_by=id))
    return feature_set(asked, [*views, *latest, *more, twice, nearness])


@dataclass(frozen=True)
class Batch:
    """Rows of one table as a producer sends them, then what is asked."""

    table: Table
    rows: list[dict[str, Any]]
    questions: list[dict[str, Any]]


@st.composite
def streams(draw: Any, beat: Beat, most: int = 6) -> list[Batch]:
    """Batches, with up to ``most`` rows, in which facts come late, again, corrected, at one time, and with nulls."""
    at = st.builds(beat.text, st.integers(0, 12), st.sampled_from([-5, -4, 0, 9]))
    sale = st.fixed_dictionaries(
        {
            "id": st.sampled_from("abcdefgh" if most < 9 else "abcdefghijklmnopqrstuvwx"),
            "at": at,
            "shop": st.sampled_from(["north", "north", "south", None]),
            "zone": zones,
            "price": prices,
            "pieces": st.integers(-5, 5),
            "member": st.sampled_from([True, False, None]),
            "note": st.sampled_from(["", "x", None]),
        }
    )
    visit = st.fixed_dictionaries({"zone": st.integers(1, 2), "at": at, "people": prices})
    late = st.builds(beat.text, st.integers(0, 18), st.just(0))
    question = st.fixed_dictionaries(
        {"id": st.just("q"), "at": late, "shop": shops, "zone": zones, "distance": st.sampled_from([1.0, 0.0, None])}
    )
    questions = st.lists(question, max_size=4)
    batch = st.one_of(
        st.builds(Batch, st.just(sales), st.lists(sale, min_size=most // 2, max_size=most), questions),
        st.builds(Batch, st.just(visits), st.lists(visit, min_size=1, max_size=3), questions),
    )
    return draw(st.lists(batch, min_size=2, max_size=6))


@st.composite
def worlds(draw: Any) -> tuple[FeatureSet, list[Batch], int]:
    """Definitions and a stream on one beat, and of how many facts tiles are made; 0 leaves them as they are."""
    beat = draw(st.sampled_from(BEATS))
    full = draw(st.sampled_from([0, 0, 2, 4]))
    return draw(feature_sets(beat)), draw(streams(beat, most=16 if full else 6)), full


@contextmanager
def small_tiles(full: int = 2, few: int = 0) -> Iterator[None]:
    """Tiles of an online store so small that short streams fill many levels, and are read from them."""
    with (
        patch.multiple(tiles, FAN=2, FULL=full),
        patch.object(online_windows, "FEW", few),
        patch.object(online_quick, "BUSY", few),
    ):
        yield


PARSE = {table.name: compile_contract(table.contract) for table in (sales, visits, asked)}


@dataclass(frozen=True)
class Played:
    """A stream as it went through the online store: what was asked and served, and every fact accepted."""

    features: FeatureSet
    questions: list[Question]
    served: list[list[Any]]
    defaulted: list[tuple[str, ...]]
    facts: dict[str, list[tuple[dict[str, Any], int]]]

    def offline(self, engine: OfflineEngine) -> Answers:
        """The same questions, put to an offline engine after everything has happened."""
        tables = {"sales": stored(sales, self.facts["sales"]), "visits": stored(visits, self.facts["visits"])}
        asking: pa.Table = asked_table(asked, self.questions)
        return engine.answer(self.features, asking, tables)


def play(features: FeatureSet, stream: list[Batch], full: int) -> Played:
    """Send the stream to an online store, each batch twice, and ask after each."""
    if full:
        with small_tiles(full):
            return play(features, stream, 0)
    played = Played(features, [], [], [], {"sales": [], "visits": []})
    sequence = 0
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteOnlineStore(Path(folder) / "o.sqlite")
        reader = SqliteOnlineReader(Path(folder) / "o.sqlite")
        store.prepare([features])
        for batch in stream:
            rows = PARSE[batch.table.name](batch.rows).rows
            for _ in range(2):
                store.apply(batch.table.name, rows, sequence)
            played.facts[batch.table.name].extend((row, sequence + place) for place, row in enumerate(rows))
            sequence += len(rows)
            questions = PARSE["asked"](batch.questions).rows
            with reader.snapshot() as snapshot:
                found = lookup(features, questions, [int(row["at"] or 0) for row in questions], snapshot)
            played.served.extend(found.values)
            played.defaulted.extend(found.defaulted)
            played.questions.extend(Question(row, int(row["at"] or 0), sequence - 1) for row in questions)
        reader.close()
        store.close()
    return played


def keeps_the_promise(played: Played, engine: OfflineEngine) -> None:
    """What was served, what is recomputed and what the definition says are equal; so is what was defaulted."""
    offline = played.offline(engine)
    assert compare(played.features, played.served, offline.columns) == []
    says = [answered(played.features, one, played.facts) for one in played.questions]
    assert compare(played.features, [values for values, _ in says], offline.columns) == []
    for name, used in offline.defaulted.items():
        assert used.tolist() == [name in names for names in played.defaulted]


def promise(examples: int, *phases: Phase) -> Callable[[], None]:
    """The promise as a property, tried on the same worlds everywhere. Raises: AssertionError where it is broken."""

    @seed(SEED)
    @given(worlds())
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=False,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    def tried(world: tuple[FeatureSet, list[Batch], int]) -> None:
        keeps_the_promise(play(*world), InMemoryEngine())

    return tried


def main() -> int:
    """Try the promise; 0 where it is kept on all that was tried."""
    print(Path(homeostat.__file__).parent)
    try:
        promise(int(sys.argv[1]), Phase.generate)()
    except AssertionError as error:
        print(f"broken: {error}"[:500])
        return 1
    return 0
