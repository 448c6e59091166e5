"""A proposed contract keeps the rows it came from, and is Python that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import homeostat as hs
from homeostat.adapters.polars.batches import PolarsBatches
from homeostat.adapters.polars.summaries import keys_of, read_file, summarise
from homeostat.data.inference import Proposal, propose, python_of, range_of, shape_of
from homeostat.data.patterns import compile_pattern
from homeostat.data.tables import Table
from homeostat.kernel.errors import InvalidInput, NotFound

ROWS = 200
SEEN = {
    "id": [f"N{number}A" for number in range(ROWS)],
    "shop": ["north", "south"] * (ROWS // 2),
    "at": [f"2013-01-01T00:{number // 60:02}:{number % 60:02}Z" for number in range(ROWS)],
    "naive": ["2013-01-01T00:00:00"] * ROWS,
    "price": [None if number % 10 == 0 else 3.5 * number for number in range(ROWS)],
    "count": list(range(ROWS)),
    "open": [number % 2 == 0 for number in range(ROWS)],
    'odd "name"': ['say "it"\\'] * ROWS,
}


def proposed(rows: pa.Table) -> Proposal:
    facts = summarise(rows)
    return propose("sales", rows.num_rows, facts, keys_of(rows, facts))


def run(proposal: Proposal) -> Table:
    names: dict[str, Any] = {"hs": hs}
    exec(python_of(proposal, "a test"), names)
    table: Table = names["sales"]
    return table


def test_what_was_seen_is_proposed() -> None:
    rows = pa.table({name: values for name, values in SEEN.items() if "odd" not in name})
    found = proposed(rows)
    columns = {one.name: one.column for one in found.columns}
    assert found.key == ("id",)
    assert found.event_time == "at"
    assert columns["id"].matches == r"N\d{1,3}A"
    assert columns["shop"] == hs.text(categories=["north", "south"], open=True)
    assert columns["at"] == hs.instant()
    assert columns["naive"].kind == "text"
    assert any("offset" in note for note in found.notes)
    assert columns["price"] == hs.number(0, 770, nullable=True)
    assert columns["count"] == hs.integer(0, 220)
    assert columns["open"] == hs.boolean()


def test_the_proposal_is_python_that_takes_every_row_it_came_from() -> None:
    rows = pa.table({name: values for name, values in SEEN.items() if "odd" not in name})
    table = run(proposed(rows))
    assert PolarsBatches().check(table, rows).kept.all()


def test_texts_are_quoted_so_that_the_proposal_runs() -> None:
    text = python_of(proposed(pa.table({"id": [str(n) for n in range(40)], "x": SEEN['odd "name"'][:40]})), "a test")
    compile(text, "proposal", "exec")
    assert "what identifies a fact" not in text
    assert "name when it happened" in text


def test_pairs_are_looked_at_when_no_column_identifies_a_row() -> None:
    rows = pa.table({"shop": ["a", "a", "b", "b"], "hour": [1, 2, 1, 2], "x": [1.0, 1.0, 1.0, 1.0]})
    assert proposed(rows).key == ("shop", "hour")
    assert proposed(rows.slice(0, 0)).key is None


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_range_holds_what_was_seen_and_is_not_much_wider(a: float, b: float) -> None:
    least, greatest = min(a, b), max(a, b)
    low, high = range_of(least, greatest)
    assert low <= least <= greatest <= high
    assert high - low <= 1.5 * (greatest - least) + 2 * max(abs(greatest), 1.0)
    assert least < 0 or low >= 0


@given(st.lists(st.text(st.sampled_from("ab1-_ .é"), max_size=6), min_size=1, max_size=5))
def test_a_shape_covers_every_value(values: list[str]) -> None:
    shape = shape_of(values)
    assert shape is None or all(map(compile_pattern(shape).matches, values))


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_a_file_gives_the_same_proposal_in_every_form(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame({name: values for name, values in SEEN.items() if "odd" not in name})
    path = tmp_path / f"sales.{suffix}"
    {"csv": frame.write_csv, "parquet": frame.write_parquet, "jsonl": frame.write_ndjson}[suffix](path)
    assert proposed(read_file(path)).columns == proposed(frame.to_arrow()).columns


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_file(tmp_path / "none.csv")
    (tmp_path / "rows.parquet").write_bytes(b"no parquet")
    (tmp_path / "rows.txt").write_text("x")
    for name in ("rows.parquet", "rows.txt"):
        with pytest.raises(InvalidInput):
            read_file(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1.5,x;y\n", {"a": [1.5], "b": ["x;y"]}),
        ("a;b\n1,5;x\n-2;y\n", {"a": [1.5, -2.0], "b": ["x", "y"]}),
        ('\ufeff"a, really";b\n1.5;x\n', {"a, really": [1.5], "b": ["x"]}),
        ("a\tb\n1,5\tx\n", {"a": [1.5], "b": ["x"]}),
    ],
)
def test_a_file_is_read_as_its_spreadsheet_wrote_it(tmp_path: Path, text: str, told: dict[str, list[object]]) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(text, encoding="utf-8")
    assert read_file(file).to_pydict() == told
