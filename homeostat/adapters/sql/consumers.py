"""Consumers in SQL, beside the ledger that tells of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from sqlite3 import Connection
from typing import TYPE_CHECKING, NamedTuple

from homeostat.adapters.sql.decoding import decoded
from homeostat.adapters.sql.ledger import append_entries
from homeostat.data.checks import did_you_mean
from homeostat.governance.audit import Draft, Heads
from homeostat.governance.consumers import Consumer, registered, removed
from homeostat.governance.outputs import OutputContract
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, NotFound

if TYPE_CHECKING:
    from homeostat.adapters.sql.database import Database


class _Row(NamedTuple):
    loop: str
    name: str
    revision: int
    active: bool
    contact: str
    needs: str
    relies_on: str
    since: Instant


_ROWS = f"SELECT {', '.join(_Row._fields)} FROM consumers"


class SqlConsumers:
    """Keeps who reads which predictions. A name that was removed keeps its place, so that revisions go on."""

    def __init__(self, database: Database, heads: Heads) -> None:
        self._database = database
        self._heads = heads

    def list(self) -> list[Consumer]:
        """Everyone who is registered now, in order of loop and name."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{_ROWS} WHERE active ORDER BY loop, name").fetchall()
        return [_consumer(_Row(*row)) for row in rows]

    def add(self, consumer: Consumer) -> Consumer:
        """Register; gives it with its revision. Raises: Conflict when the name is taken."""
        return self._write(lambda connection: self._add(connection, consumer))

    def remove(self, loop: str, name: str, at: Instant) -> Consumer:
        """End a registration. Raises: NotFound without it."""
        return self._write(lambda connection: self._remove(connection, loop, name, at))

    def _write(self, change: Callable[[Connection], tuple[Consumer, Draft]]) -> Consumer:
        """One transaction for the change and its entry in the ledger, signed before and after."""
        with self._database.writing() as connection:
            changed, draft = change(connection)
            entry = append_entries(connection, [draft])
            if entry:
                self._heads.intend(entry)
        if entry:
            self._heads.seal(entry)
        return changed

    @staticmethod
    def _add(connection: Connection, consumer: Consumer) -> tuple[Consumer, Draft]:
        known = _row(connection, consumer.loop, consumer.name)
        if known is not None and known.active:
            raise Conflict(
                f"{consumer.name!r} is registered for {consumer.loop!r} already ({known.contact}).",
                mend="Choose another name, or remove it first: "
                f"homeostat consumers remove {consumer.loop} {consumer.name}.",
                consumer=consumer.name,
            )
        added = dataclasses.replace(consumer, revision=1 if known is None else known.revision + 1)
        needs, relies_on = json.dumps(added.needs), json.dumps(added.relies_on.to_json())
        row = _Row(added.loop, added.name, added.revision, True, added.contact, needs, relies_on, added.since)
        columns = f"({', '.join(row._fields)}) VALUES ({', '.join('?' * len(row))})"
        connection.execute(f"INSERT OR REPLACE INTO consumers {columns}", row)
        return added, registered(added)

    @staticmethod
    def _remove(connection: Connection, loop: str, name: str, at: Instant) -> tuple[Consumer, Draft]:
        known = _row(connection, loop, name)
        if known is None or not known.active:
            rows = connection.execute("SELECT name FROM consumers WHERE loop = ? AND active", (loop,)).fetchall()
            names = [found for (found,) in rows]
            raise NotFound(
                f"No consumer {name!r} is registered for {loop!r}.", mend=did_you_mean(name, names), consumer=name
            )
        connection.execute("UPDATE consumers SET active = FALSE WHERE loop = ? AND name = ?", (loop, name))
        gone = _consumer(known)
        return gone, removed(gone, at)


def _row(connection: Connection, loop: str, name: str) -> _Row | None:
    row = connection.execute(f"{_ROWS} WHERE loop = ? AND name = ?", (loop, name)).fetchone()
    return None if row is None else _Row(*row)


def _consumer(row: _Row) -> Consumer:
    with decoded(f"consumer {row.name!r}"):
        return Consumer(
            loop=row.loop,
            name=row.name,
            contact=row.contact,
            needs=tuple(json.loads(row.needs)),
            relies_on=OutputContract.from_json(json.loads(row.relies_on)),
            since=row.since,
            revision=row.revision,
        )
