"""What every online store must do: answer as offline does, batch by batch, and lose or double nothing."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.adapters.sqlite import online
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.adapters.sqlite.online_reader import SqliteOnlineReader
from homeostat.features.definitions import Window, count, feature_set
from homeostat.features.offline import point_in_time
from homeostat.features.online import OnlineReader, OnlineStore, OutOfDate, lookup
from homeostat.features.parity import compare
from homeostat.kernel.errors import Held, IntegrityError, NotEnoughData, Unavailable
from tests.harness.examples import examples
from tests.unit.features.reference import (
    FEATURES,
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
        store, reader = (
            SqliteOnlineStore(Path(folder) / "o.sqlite"),
            SqliteOnlineReader(Path(folder) / "o.sqlite"),
        )
        store.prepare([FEATURES])
        yield store, reader
        reader.close()
        store.close()


def columns_of(values):
    return {
        name: np.array([value], dtype=object if kind == "text" else float)
        for (name, kind), value in zip(FEATURES.kinds.items(), values, strict=True)
    }


@given(streams)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
                served += lookup(FEATURES, batch.questions, [row["at"] for row in batch.questions], snapshot).values
            questions += [Question(row, row["at"], sequence - 1) for row in batch.questions]
    tables = {"sales": stored(sales, facts["sales"]), "visits": stored(visits, facts["visits"])}
    offline = point_in_time(FEATURES, asked_table(asked, questions), tables)
    expected = [naive(FEATURES, one, facts) for one in questions]
    assert compare(FEATURES, served, offline) == []
    assert compare(FEATURES, expected, offline) == []


@given(streams, st.randoms(use_true_random=False), st.lists(st.integers(0, 40), min_size=1, max_size=4))
@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_same_facts_answer_the_same_in_whatever_order_they_came(stream, chance, times):
    numbered = [(batch.table, row) for batch in stream for row in batch.rows]
    facts = list(zip(numbered, itertools.count()))
    asked_rows = [question for batch in stream for question in batch.questions]
    asked_rows = [{**row, "at": at} for row in asked_rows for at in times]
    with sqlite() as (store, reader):
        for sequence, (table, row) in enumerate(numbered):
            store.apply(table.name, [row], sequence)
        first = served(reader, asked_rows)
        for _ in range(2):
            chance.shuffle(facts)
            batches = [(table.name, [row], [sequence]) for (table, row), sequence in facts]
            store.rebuild([FEATURES], batches, len(facts) - 1)
            assert served(reader, asked_rows) == first
        for _ in range(2):  # and what is already there may come once more
            store.apply(numbered[0][0].name, [numbered[0][1]], 0)
        assert served(reader, asked_rows) == first


def served(reader, rows):
    with reader.snapshot() as snapshot:
        return lookup(FEATURES, rows, [row["at"] for row in rows], snapshot).values


def test_an_entity_never_heard_of_and_a_null_key_are_missing_and_counts_are_0(pair):
    store, reader = pair
    store.apply("sales", [sold(1), sold(2, 1, shop=None, zone=None)], 0)
    for key in ("moon", None):
        found = read(reader, 5, shop=key)
        assert (found["shop_sold_10us"], found["shop_price_sum_10us"]) == (0.0, 0.0)
        assert (found["shop_price_mean_10us"], found["shop_note"]) == (None, None)


def sold(at, sequence=0, **changes):
    row = {"id": f"s{sequence}", "at": at, "shop": "north", "zone": 1, "price": 1.0, "pieces": 1}
    return {**row, "member": None, "note": "n", **changes}


def ask(at, **changes):
    return {"id": "q", "at": at, "shop": "north", "zone": 1, "distance": 1.0, **changes}


def read(reader, at, **changes):
    with reader.snapshot() as snapshot:
        (values,) = lookup(FEATURES, [ask(at, **changes)], [at], snapshot).values
    return dict(zip(FEATURES.names, values, strict=True))


@pytest.fixture
def pair():
    with sqlite() as opened:
        yield opened


def test_a_snapshot_does_not_move_while_facts_are_written(pair):
    store, reader = pair
    store.apply("sales", [sold(1)], 0)
    with reader.snapshot() as snapshot:
        store.apply("sales", [sold(2, 1)], 1)
        values = lookup(FEATURES, [ask(5)], [5], snapshot).values[0]
        assert (snapshot.sequence, values[FEATURES.names.index("shop_sold_10us")]) == (0, 1.0)
    assert read(reader, 5)["shop_sold_10us"] == 2.0


def test_a_batch_that_fails_leaves_nothing_behind(pair):
    store, reader = pair
    with pytest.raises(KeyError):
        store.apply("sales", [sold(1), {"id": "half"}], 0)
    assert store.sequence() == -1
    assert read(reader, 5)["shop_sold_10us"] == 0.0


def test_only_the_part_of_a_batch_that_is_new_is_applied(pair):
    store, reader = pair
    store.apply("sales", [sold(1, 0)], 0)
    store.apply("sales", [sold(1, 0, shop="south"), sold(2, 1)], 0)
    assert read(reader, 5)["shop_sold_10us"] == 2.0
    assert store.sequence() == 1


def test_a_small_sum_survives_large_neighbours(pair):
    store, reader = pair
    store.apply("sales", [sold(1, i, price=price) for i, price in enumerate([1e9, 0.1, -1e9])], 0)
    assert read(reader, 5)["shop_price_sum_10us"] == 0.1


def test_facts_of_tables_that_no_view_reads_move_the_sequence(pair):
    store, _ = pair
    store.apply("elsewhere", [{"x": 1}, {"x": 2}], 5)
    assert store.sequence() == 6


def test_an_older_version_of_a_fact_never_replaces_a_newer_one(pair):
    store, reader = pair
    old, new = sold(1, id="s", note="old"), sold(1, id="s", note="new")
    store.rebuild([FEATURES], [("sales", [new, old], [7, 3])], 9)
    assert read(reader, 5)["shop_note"] == "new"


def test_new_definitions_ask_for_a_rebuild_which_readers_see_whole(pair):
    store, reader = pair
    store.apply("sales", [sold(1)], 0)
    wider = feature_set(asked, [Window(sales, by="shop", over=["20us"], values={"sold": count()})])
    with pytest.raises(OutOfDate, match=r"Window\(sales, by='shop'\)"):
        store.prepare([FEATURES, wider])
    with reader.snapshot() as snapshot, pytest.raises(Unavailable):
        lookup(wider, [ask(5)], [5], snapshot)
    with reader.snapshot() as before:
        store.rebuild([FEATURES, wider], [("sales", [sold(1), sold(2, 1)], [0, 1])], 4)
        assert lookup(FEATURES, [ask(5)], [5], before).values[0][FEATURES.names.index("shop_sold_10us")] == 1.0
    with reader.snapshot() as after:
        assert after.sequence == 4
        assert lookup(wider, [ask(5)], [5], after).values == [[2.0]]
    store.apply("sales", [sold(3, 5)], 5)
    assert read(reader, 5)["shop_sold_10us"] == 3.0


def test_definitions_that_are_gone_are_forgotten_and_the_others_stay(pair):
    store, reader = pair
    fewer = feature_set(asked, [view for view in FEATURES.views if view.table.name == "sales"])
    store.apply("sales", [sold(1)], 0)
    store.prepare([fewer])
    store.apply("sales", [sold(2, 1)], 1)
    with reader.snapshot() as snapshot:
        assert lookup(fewer, [ask(5)], [5], snapshot).values[0][1] == 2.0
        with pytest.raises(Unavailable, match="does not keep"):
            lookup(FEATURES, [ask(5)], [5], snapshot)
    with pytest.raises(OutOfDate):
        store.prepare([FEATURES])


def test_a_store_that_is_not_prepared_takes_nothing(tmp_path):
    store = SqliteOnlineStore(tmp_path / "o.sqlite")
    with pytest.raises(Unavailable, match="not ready"):
        store.apply("sales", [sold(1)], 0)
    store.close()


def test_a_reader_may_come_first_and_outlive_the_writer(tmp_path):
    path = tmp_path / "o.sqlite"
    reader = SqliteOnlineReader(path)
    with pytest.raises(Unavailable, match="cannot be read"), reader.snapshot():
        pass
    for sequence in range(2):  # a writer that is started again goes on where it was
        store = SqliteOnlineStore(path)
        store.prepare([FEATURES])
        assert store.sequence() == sequence - 1
        store.apply("sales", [sold(1, sequence)], sequence)
        store.close()
    assert read(reader, 5)["shop_sold_10us"] == 2.0
    reader.close()
    late = SqliteOnlineReader(path)
    assert read(late, 5)["shop_sold_10us"] == 2.0
    late.close()


def attempt(reader, row):
    try:
        with reader.snapshot() as snapshot:
            return lookup(FEATURES, [row], [row["at"]], snapshot).values, ""
    except NotEnoughData as error:
        return [], error.problem


def test_a_reader_follows_when_the_file_is_replaced(tmp_path):
    path, reader = tmp_path / "o.sqlite", SqliteOnlineReader(tmp_path / "o.sqlite")
    for facts in (1, 2):
        store = SqliteOnlineStore(path)
        store.prepare([FEATURES])
        store.apply("sales", [sold(1, i) for i in range(facts)], 0)
        store.close()
        assert read(reader, 5)["shop_sold_10us"] == float(facts)
        path.unlink()
    reader.close()


def test_a_file_that_is_no_store_is_told_from_a_missing_one(tmp_path):
    path = tmp_path / "o.sqlite"
    path.write_text("not a database, and long enough to be looked at as one" * 40)
    with pytest.raises(IntegrityError, match="is no online store"):
        SqliteOnlineStore(path)
    reader = SqliteOnlineReader(path)
    with pytest.raises(Unavailable, match="not a database"), reader.snapshot():
        pass
    reader.close()


def test_a_store_that_another_process_holds_says_so_and_keeps_its_state(tmp_path):
    store = SqliteOnlineStore(tmp_path / "o.sqlite", wait=0.01)
    store.prepare([FEATURES])
    other = sqlite3.connect(tmp_path / "o.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Held, match=r"another process holds .*o\.sqlite \(database is locked\)"):
        store.apply("sales", [sold(1)], 0)
    other.close()
    store.apply("sales", [sold(1)], 0)
    assert store.sequence() == 0
    store.close()


@given(streams, st.lists(st.integers(0, 30), min_size=8, max_size=8))
@settings(max_examples=examples(50), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pruning_changes_no_answer_it_still_gives(stream, presents):
    facts = {"sales": [], "visits": []}
    sequence = horizon = 0
    with pytest.MonkeyPatch.context() as patch, sqlite() as (store, reader):
        patch.setattr(online, "SLACK", 2)
        for batch, now in zip(stream, presents, strict=False):
            store.apply(batch.table.name, batch.rows, sequence)
            facts[batch.table.name] += zip(batch.rows, itertools.count(sequence), strict=False)
            sequence += len(batch.rows)
            store.prune(now)
            horizon = max(horizon, now - 2)
            for row in batch.questions:
                question = Question(row, row["at"], sequence - 1)
                served, refusal = attempt(reader, row)
                if refusal:
                    assert row["at"] < horizon or "corrected" in refusal
                    continue
                assert row["at"] >= horizon
                assert compare(FEATURES, served, columns_of(naive(FEATURES, question, facts))) == []


def test_pruning_forgets_what_no_later_read_can_need(pair, monkeypatch):
    monkeypatch.setattr(online, "SLACK", 5)
    store, reader = pair
    store.apply("sales", [sold(at, at) for at in range(1, 41)], 1)
    assert store.prune(50) == 34  # reads from 45 on need nothing before 35
    assert store.prune(49) == 0
    assert read(reader, 45)["shop_sold_10us"] == 5.0
    with pytest.raises(NotEnoughData, match=r"00\.000044.* is no longer in the online store"):
        read(reader, 44)


def test_the_newest_fact_stays_however_old_and_a_gap_behind_it_is_told(pair, monkeypatch):
    monkeypatch.setattr(online, "SLACK", 5)
    store, reader = pair
    store.apply("sales", [sold(1, 0, note="first"), sold(2, 1, note="second")], 0)
    assert store.prune(500) == 1
    assert read(reader, 500)["shop_note"] == "second"
    store.apply("sales", [sold(2, 1, shop="south")], 2)
    assert read(reader, 500, shop="south")["shop_sold_10us"] == 0.0
    with pytest.raises(NotEnoughData, match="successor was corrected"):
        read(reader, 500)


def test_a_late_fact_does_not_pass_for_the_newest_where_a_newer_one_was_pruned(pair, monkeypatch):
    monkeypatch.setattr(online, "SLACK", 5)
    store, reader = pair
    store.apply("sales", [sold(1, 0, note="first"), sold(2, 1, note="second")], 0)
    store.prune(500)
    store.apply("sales", [sold(0, 9, note="late"), sold(2, 1, shop="south")], 2)
    with pytest.raises(NotEnoughData, match="successor was corrected"):
        read(reader, 500)


def test_a_fact_stays_while_a_read_before_its_successor_is_possible(pair, monkeypatch):
    monkeypatch.setattr(online, "SLACK", 5)
    store, reader = pair
    store.apply("sales", [sold(1, 0, note="first"), sold(46, 1, note="second")], 0)
    assert store.prune(50) == 0
    assert [read(reader, at)["shop_note"] for at in (45, 46)] == ["first", "second"]
