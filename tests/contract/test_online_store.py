"""What every online store must do: answer as offline does, batch by batch, and lose or double nothing."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.features.offline import point_in_time
from homeostat.features.online import OnlineReader, OnlineStore, lookup
from homeostat.features.parity import compare
from tests.unit.features.reference import (
    FEATURES,
    Batch,
    Question,
    asked,
    asked_table,
    naive,
    sales,
    stored,
    streams,
    visits,
)


@contextmanager
def sqlite() -> Iterator[tuple[OnlineStore, OnlineReader]]:
    with tempfile.TemporaryDirectory() as folder:
        store, reader = SqliteOnlineStore(Path(folder) / "o.sqlite"), SqliteOnlineReader(Path(folder) / "o.sqlite")
        store.prepare([FEATURES])
        yield store, reader
        reader.close()
        store.close()


def columns_of(rows):
    return {name: list(column) for name, column in zip(FEATURES.names, zip(*rows, strict=True), strict=True)}


@given(streams)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_online_offline_and_the_definition_agree_on_any_stream(stream):
    questions, served = [], []
    facts = {"sales": [], "visits": []}
    sequence = 0
    with sqlite() as (store, reader):
        for batch in stream:
            for _ in range(2):  # a batch that comes again changes nothing
                store.apply(batch.table.name, batch.rows, sequence)
            facts[batch.table.name] += zip(batch.rows, itertools.count(sequence), strict=False)
            sequence += len(batch.rows)
            with reader.snapshot() as snapshot:
                assert snapshot.sequence == sequence - 1
                served += lookup(FEATURES, batch.questions, [row["at"] for row in batch.questions], snapshot)
            questions += [Question(row, row["at"], sequence - 1) for row in batch.questions]
    tables = {"sales": stored(sales, facts["sales"]), "visits": stored(visits, facts["visits"])}
    offline = point_in_time(FEATURES, asked_table(asked, questions), tables)
    expected = [naive(FEATURES, one, facts) for one in questions]
    assert compare(FEATURES, served, offline) == []
    assert compare(FEATURES, expected, offline) == []
