"""What people ask of contracts: a proposal, and a check before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from homeostat.adapters.delta.rows import TYPES
from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.files.tabular import TabularFile
from homeostat.adapters.polars.batches import PolarsBatches
from homeostat.adapters.polars.summaries import keys_of, read_file, summarise
from homeostat.app.home import Home
from homeostat.data.batches import Figure
from homeostat.data.contracts import Break, Row, compile_contract
from homeostat.data.inference import propose, python_of
from homeostat.data.rules import Unique
from homeostat.data.tables import Table
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import InvalidInput

Json = dict[str, Any]
Progress = Callable[[int, int], None]
_MOST_EXAMPLES = 3


def infer_contract(home: Home, asked: str) -> Json:
    """A contract proposed from the facts stored for a table, or from a file of rows.

    Raises: NotFound when it is neither.
    """
    path = Path(asked)
    if path.suffix:
        name, source, rows = path.stem.lower().replace("-", "_"), path.name, read_file(path)
    else:
        name, source, stored = asked, f"table {asked}", DeltaTables(home.tables).read(asked)
        rows = stored.select([column for column in stored.column_names if not column.startswith("_")])
    facts = summarise(rows)
    proposal = propose(name, rows.num_rows, facts, keys_of(rows, facts))
    columns = {one.name: {**one.column.meaning, "why": one.why} for one in proposal.columns}
    told = plain(proposal)
    return {**told, "columns": columns, "in_force": False, "python": python_of(proposal, source)}


def check_file(table: Table, path: Path, progress: Progress) -> Json:
    """What the contract says of a file's rows, as if they were sent: the verdict on each promise, nothing taken in."""
    kinds = {name: column.kind for name, column in table.contract.items()}
    file = TabularFile(path, kinds)
    check = compile_contract(table.contract, [one for one in table.rules if not isinstance(one, Unique)])
    found, place, good = _Found(), 0, [_stored(table, [])]
    for rows, done in file.chunks():
        checked = check(rows)
        found.add([*checked.breaks, *checked.warnings], place)
        good.append(_stored(table, checked.rows))
        place += len(rows)
        progress(done, file.size)
    if not place:
        raise InvalidInput(f"{path} has no rows.", mend="Give a file with rows.", file=str(path))
    batch = PolarsBatches().check(table, pa.concat_tables(good))
    for one in batch.found:
        if one.promise.column is None and one.count and one.promise.reason not in found.rows:
            found.count(one.promise.reason, one.promise.verdict, one.count, one.promise.text)
    refused = any(verdict == "reject" for verdict in found.verdicts.values()) or bool(batch.refusals)
    kept = 0 if refused else int(batch.kept.sum())
    return {
        "table": table.name,
        "file": str(path),
        "rows": place,
        "taken": kept,
        "refused": refused,
        "promises": found.told(),
        "figures": [_figure(one) for one in batch.figures],
    }


class _Found:
    """Broken rows by promise, with the first few as examples."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.verdicts: dict[str, str] = {}
        self.examples: dict[str, list[str]] = {}

    def add(self, breaks: Iterable[Break], place: int) -> None:
        for item in breaks:
            self.count(item.promise, item.verdict, 1, f"row {item.row + place}: {item.problem}")

    def count(self, promise: str, verdict: str, rows: int, example: str) -> None:
        self.rows[promise] += rows
        self.verdicts[promise] = verdict
        shown = self.examples.setdefault(promise, [])
        if len(shown) < _MOST_EXAMPLES:
            shown.append(example)

    def told(self) -> list[Json]:
        return [
            {"promise": name, "verdict": self.verdicts[name], "rows": rows, "examples": self.examples[name]}
            for name, rows in self.rows.most_common()
        ]


def _stored(table: Table, rows: list[Row]) -> pa.Table:
    schema = pa.schema({name: TYPES[column.kind] for name, column in table.contract.items()})
    return pa.Table.from_pylist(rows, schema=schema)


def _figure(one: Figure) -> Json:
    return {
        "rule": one.rule.name,
        "verdict": one.rule.verdict,
        "value": one.value,
        "broken": one.broken,
        "text": one.text,
    }
