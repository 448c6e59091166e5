"""What people ask of contracts: what is promised and what broke lately, a proposal, a check before anything is sent."""

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
from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.app.contracts import live_inputs, read_history
from homeostat.app.home import Home
from homeostat.control.loop import Loop
from homeostat.data.batches import Figure
from homeostat.data.checks import did_you_mean
from homeostat.data.contract_changes import Contract
from homeostat.data.contracts import Break, Row, compile_contract
from homeostat.data.inference import propose, python_of
from homeostat.data.rules import Unique, rule_meaning
from homeostat.data.tables import Table
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import duration, format_instant
from homeostat.kernel.errors import InvalidInput, NotFound

Json = dict[str, Any]
Progress = Callable[[int, int], None]
LATELY = "7d"
_MOST_LOOKED_AT = 10_000
_MOST_EXAMPLES = 3


def table_named(loops: Iterable[Loop], name: str) -> Table:
    """A declared table. Raises: NotFound."""
    tables = {table.name: table for loop in loops for table in loop.tables}
    if name not in tables:
        raise NotFound(f"No table {name!r} here.", mend=did_you_mean(name, tables), table=name)
    return tables[name]


def show_contract(home: Home, loops: dict[str, Loop], name: str) -> Json:
    """Everything a table promises, its versions, what a start would change, and what broke in the last seven days."""
    table = table_named(loops.values(), name)
    history, contract = read_history(home, name), Contract.of(table)
    judged = history.judge(contract, live_inputs(home, loops))
    newest = history.newest
    return {
        "table": name,
        "key": list(table.keys),
        "event_time": table.event_time,
        "version": None if newest is None else newest.number,
        "hash": contract.hash,
        "columns": {column: promise.meaning for column, promise in table.contract.items()},
        "rules": [{**rule_meaning(one), "reason": one.reason} for one in table.rules],
        "versions": [
            {"version": one.number, "since": format_instant(one.since), "changes": list(one.changes)}
            for one in history.versions
        ],
        "declared_changes": [plain(change) for change in judged.changes],
        "broken": _broken_lately(home, name),
    }


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


def _broken_lately(home: Home, table: str) -> list[Json]:
    """What broke in the seven days before the newest fact: rows kept apart and warnings, by promise."""
    path = home.root / "journal.sqlite"
    if not path.exists():
        return []
    journal = SqliteJournal(path, read_only=True)
    try:
        kept = journal.quarantined(table, _MOST_LOOKED_AT)
        newest = max([row.known_at for row in kept] + [journal.counts(table).newest_known or 0])
        since = newest - duration(LATELY)
        warned = journal.counts(table, since=since).warned
    finally:
        journal.close()
    rows = [row for row in kept if row.known_at >= since]
    counted = Counter(Break(0, row.column, row.reason, "", "").promise for row in rows)
    last = {Break(0, row.column, row.reason, "", "").promise: row for row in reversed(rows)}
    return [
        *(
            {
                "promise": name,
                "kept_apart": count,
                "warned": 0,
                "last": format_instant(last[name].known_at),
                "example": last[name].problem,
            }
            for name, count in counted.most_common()
        ),
        *(
            {"promise": name, "kept_apart": 0, "warned": count, "last": None, "example": ""}
            for name, count in sorted(warned.items())
        ),
    ]
