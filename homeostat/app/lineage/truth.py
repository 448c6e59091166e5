"""What one prediction turned out to be, as known now."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from homeostat.adapters.delta.rows import TYPES, facts_schema
from homeostat.app.prediction_log.predictions import Served
from homeostat.control.loop import Loop
from homeostat.data.tables import KNOWN_AT, SEQUENCE, TableStore
from homeostat.kernel.clock import Instant, format_instant
from homeostat.monitoring.labels import LABELLED, MATURING, join_labels

Json = dict[str, Any]
_NEVER = 2**63 - 1


def truth_of(tables: TableStore, loop: Loop, served: Served, now: Instant) -> Json:
    """Whether its label has matured, the truth if it has, and every fact that told it, oldest first.

    Until it is due no truth is told, also where one has come: what comes early is not like what comes late. Of a number
    ``off`` says by how much the answer was too high; nothing else is ``right`` or not.
    """
    facts = _facts(tables, loop, served)
    found = join_labels(_log_of(loop, served), facts, loop.label, keys=loop.question.keys, now=now, sequence=_NEVER)
    status, answer = int(found.status[0]), served.record["prediction"]
    truth = loop.label.told(float(found.truth[0])) if status == LABELLED else None
    off = None if truth is None or loop.label.answers != "regression" else float(answer or 0) - float(truth)
    return {
        "status": "labelled" if status == LABELLED else "maturing" if status == MATURING else "no label",
        "condition": loop.label.condition,
        "table": loop.label.table.name,
        "due": format_instant(int(found.due[0])),
        "truth": truth,
        "right": truth == answer if truth is not None and off is None else None,
        "off": off,
        "late": bool(found.late[0]),
        "facts": _told(facts, loop) if truth is not None else [],
    }


def _facts(tables: TableStore, loop: Loop, served: Served) -> pa.Table:
    """The facts of this question's key in the label's table."""
    table, keys = loop.label.table, loop.question.keys
    names = list(dict.fromkeys([*keys, *loop.label.columns, SEQUENCE, KNOWN_AT]))
    if tables.version(table.name) < 0:
        return facts_schema(table).empty_table().select(names)
    return tables.read(table.name, columns=names, where={name: served.question[name] for name in keys})


def _log_of(loop: Loop, served: Served) -> pa.Table:
    """The one prediction as a slice of its log."""
    names = dict.fromkeys([*loop.question.keys, loop.label.maturity_column])
    asked = {f"q_{name}": pa.array([served.question[name]], TYPES[loop.question.contract[name].kind]) for name in names}
    record = served.record
    own = {
        "served_at": pa.array([record["served_at"]], TYPES["instant"]),
        "read_sequence": pa.array([record["read_sequence"]], pa.int64()),
        "prediction_id": pa.array([record["prediction_id"]], pa.string()),
    }
    return pa.table({**asked, **own})


def _told(facts: pa.Table, loop: Loop) -> list[Json]:
    columns = [name for name in loop.label.columns if name not in loop.question.keys]
    return [
        {
            "values": {name: row[name] for name in columns},
            "sequence": row[SEQUENCE],
            "known_at": None if row[KNOWN_AT] is None else _instant(row[KNOWN_AT]),
        }
        for row in facts.sort_by(SEQUENCE).to_pylist()
    ]


def _instant(moment: Any) -> str:
    return format_instant(int(pa.scalar(moment, TYPES["instant"]).value))
