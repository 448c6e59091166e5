"""What a table promises, since when, and what broke it lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from homeostat.adapters.sqlite.journal import SqliteJournal
from homeostat.app.home import Home
from homeostat.app.tables.contracts import live_inputs, read_history
from homeostat.control.loop import Loop
from homeostat.data.checks import did_you_mean
from homeostat.data.contract_changes import Contract
from homeostat.data.contracts import Break
from homeostat.data.rules import rule_meaning
from homeostat.data.tables import Table
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import duration, format_instant
from homeostat.kernel.errors import NotFound

Json = dict[str, Any]
LATELY = "7d"
_MOST_LOOKED_AT = 10_000


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
