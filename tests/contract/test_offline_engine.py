"""What every offline engine must do: answer as the definition says, in the order asked, whatever the sizes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.adapters.duckdb.offline import DuckDbEngine
from homeostat.features import timeline
from homeostat.features.offline import BySize, InMemoryEngine, needed_bytes
from homeostat.features.parity import compare
from homeostat.kernel.errors import InvalidInput
from tests.harness.examples import examples
from tests.unit.features.reference import (
    FEATURES,
    Question,
    answered,
    asked,
    asked_table,
    question,
    sale,
    sales,
    stored,
    visit,
    visits,
)

WHOLE, SPLIT = 100_000_000, 2_000
"""Bytes of memory: enough for all these facts, and so few that they are split."""
ENGINES = {
    "in memory": lambda folder: InMemoryEngine(),
    "DuckDB": lambda folder: DuckDbEngine(folder, memory=WHOLE),
    "DuckDB, many parts": lambda folder: DuckDbEngine(folder, memory=SPLIT),
}


def tables_of(facts, folder=None):
    tables = {"sales": stored(sales, facts["sales"]), "visits": stored(visits, facts["visits"])}
    return tables if folder is None else {name: on_disk(table, folder / name) for name, table in tables.items()}


def on_disk(table, folder):
    ds.write_dataset(table, folder, format="parquet", existing_data_behavior="overwrite_or_ignore")
    return ds.dataset(folder)


def placed(sold, visited, shuffled):
    """Facts with ingest sequences in any order."""
    sequences = list(range(len(sold) + len(visited)))
    shuffled.shuffle(sequences)
    return {
        "sales": list(zip(sold, sequences, strict=False)),
        "visits": list(zip(visited, sequences[len(sold) :], strict=True)),
    }


def check(engine, questions, facts, tables):
    found = engine.answer(FEATURES, asked_table(asked, questions), tables)
    expected = [answered(FEATURES, one, facts) for one in questions]
    assert list(found.columns) == list(FEATURES.names)
    assert compare(FEATURES, [values for values, _ in expected], found.columns) == []
    for name, used in found.defaulted.items():
        assert used.tolist() == [name in defaulted for _, defaulted in expected]


facts_and_questions = (
    st.lists(sale, max_size=25),
    st.lists(visit, max_size=8),
    st.lists(st.tuples(question, st.integers(-1, 25)), max_size=16),
    st.randoms(use_true_random=False),
)


@given(*facts_and_questions, st.sampled_from([1, 7, 4_000_000]))
@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_in_memory_any_question_gets_what_the_definition_says(sold, visited, asking, shuffled, expanded):
    facts = placed(sold, visited, shuffled)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timeline, "_EXPANDED", expanded)
        check(InMemoryEngine(), [Question(row, row["at"], known) for row, known in asking], facts, tables_of(facts))


@given(*facts_and_questions, st.sampled_from([SPLIT, WHOLE]))
@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_out_of_core_any_question_gets_what_the_definition_says(sold, visited, asking, shuffled, memory):
    facts = placed(sold, visited, shuffled)
    with tempfile.TemporaryDirectory() as folder:
        engine = DuckDbEngine(Path(folder), memory=memory)
        check(engine, [Question(row, row["at"], known) for row, known in asking], facts, tables_of(facts))
        assert list(Path(folder).iterdir()) == []


FACTS = {
    "sales": [
        ({"id": f"s{i % 40}", "at": i % 37, "shop": f"n{i % 7}", "zone": i % 5, "price": float(i), "pieces": i}, i)
        for i in range(200)
    ],
    "visits": [({"zone": i % 5, "at": i, "people": None if i % 3 else 1.5}, 200 + i) for i in range(30)],
}
for row, _ in FACTS["sales"]:
    row |= {"member": None, "note": f"é{row['pieces'] % 3}"}
QUESTIONS = [
    Question({"id": "q", "at": at, "shop": f"n{at % 8}", "zone": at % 6, "distance": 2.0}, at, 17 * at % 240)
    for at in range(60)
]


@pytest.mark.parametrize("name", ENGINES)
def test_facts_may_lie_on_disk(name, tmp_path):
    check(ENGINES[name](tmp_path / "work"), QUESTIONS, FACTS, tables_of(FACTS, tmp_path))


@pytest.mark.parametrize("name", ENGINES)
def test_no_questions_give_empty_columns_of_the_right_kind(name, tmp_path):
    found = ENGINES[name](tmp_path).answer(FEATURES, asked_table(asked, []), tables_of({"sales": [], "visits": []}))
    assert [found.columns[one].dtype.kind for one in ("shop_note", "distance")] == ["O", "f"]
    assert {len(values) for values in found.columns.values()} == {0}


@pytest.mark.parametrize("name", ENGINES)
def test_missing_inputs_are_named(name, tmp_path):
    engine, asking, tables = ENGINES[name](tmp_path), asked_table(asked, QUESTIONS), tables_of(FACTS)
    with pytest.raises(InvalidInput, match="Table 'sales' is not given"):
        engine.answer(FEATURES, asking, {})
    with pytest.raises(InvalidInput, match="no column '_time'"):
        engine.answer(FEATURES, asking.drop_columns("_time"), tables)
    broken = {**tables, "sales": tables["sales"].drop_columns("note")}
    with pytest.raises(InvalidInput, match="Table 'sales' has no column 'note'"):
        engine.answer(FEATURES, asking, broken)
    unknown = asking.drop_columns("_sequence").append_column("_sequence", pa.nulls(len(asking), pa.int64()))
    with pytest.raises(InvalidInput, match="'_sequence' has 60 nulls"):
        engine.answer(FEATURES, unknown, tables)


def test_size_decides_which_engine_answers(tmp_path):
    class Refuses:
        def answer(self, features, question, tables):
            raise AssertionError

    asking, tables = asked_table(asked, QUESTIONS), tables_of(FACTS, tmp_path)
    needed = needed_bytes(FEATURES, asking, tables)
    small = BySize(InMemoryEngine(), Refuses(), budget=needed)
    large = BySize(Refuses(), DuckDbEngine(tmp_path / "work", memory=WHOLE), budget=needed - 1)
    one, other = small.answer(FEATURES, asking, tables).columns, large.answer(FEATURES, asking, tables).columns
    assert all(np.array_equal(one[name], other[name], equal_nan=one[name].dtype.kind == "f") for name in one)
