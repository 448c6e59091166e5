"""Alerts in SQL, beside the loops that they are about."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from sqlite3 import Connection
from typing import TYPE_CHECKING, TypeVar

import msgspec

from homeostat.adapters.sql.decoding import decoded
from homeostat.adapters.sql.ledger import append_entries
from homeostat.governance.audit import Draft, Heads
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, NotFound
from homeostat.monitoring.alerts.alerts import Alert, Book
from homeostat.monitoring.alerts.deliveries import Delivery

if TYPE_CHECKING:
    from homeostat.adapters.sql.database import Database

_Kept = TypeVar("_Kept", Alert, Book, Delivery)
_DELIVERY = ("revision", "pending", "severity", "made_at", "next_at", "value")


class SqlAlertStore:
    """Keeps books, alerts and deliveries; what belongs together is one transaction."""

    def __init__(self, database: Database, heads: Heads | None = None) -> None:
        """``heads`` sign the ledger for those who write what people decided; who only delivers needs none."""
        self._database = database
        self._heads = heads

    def book(self, loop: str) -> Book:
        """How far a loop has been read; a new book for one never seen."""
        with self._database.reading() as connection:
            return self._book(connection, loop)

    def commit(
        self,
        before: Book,
        after: Book,
        alerts: Sequence[Alert],
        deliveries: Sequence[Delivery],
        drafts: Sequence[Draft] = (),
    ) -> Book:
        """Replace the book and write alerts, deliveries and what the ledger says of them with it, all or nothing."""
        written, entry = dataclasses.replace(after, revision=before.revision + 1), None
        with self._database.writing() as connection:
            self._replace(connection, before, written)
            for alert in alerts:
                row = (alert.id, alert.loop, alert.resolved is None, alert.opened_at, _text(alert))
                connection.execute(
                    "INSERT OR REPLACE INTO alerts (id, loop, open, opened_at, value) VALUES (?, ?, ?, ?, ?)", row
                )
            for one in deliveries:
                self._add(connection, one)
            if drafts and self._heads:
                entry = append_entries(connection, drafts)
                if entry:
                    self._heads.intend(entry)
        if entry and self._heads:
            self._heads.seal(entry)
        return written

    def alerts(self, loop: str | None = None, *, open_only: bool = False) -> list[Alert]:
        """Alerts of one loop, or of all, in the order in which they opened."""
        of = {"loop = ?": loop is not None, "open": open_only}
        where = " AND ".join([name for name, meant in of.items() if meant] or ["TRUE"])
        query = f"SELECT value FROM alerts WHERE {where} ORDER BY opened_at, id"
        with self._database.reading() as connection:
            rows = connection.execute(query, () if loop is None else (loop,)).fetchall()
        return [_read(value, Alert) for (value,) in rows]

    def find(self, alert: str) -> Alert:
        """One alert. Raises: NotFound."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT value FROM alerts WHERE id = ?", (alert,)).fetchone()
        if row is None:
            raise NotFound(f"There is no alert {alert!r}.", mend="'homeostat alerts list all --all' lists them.")
        return _read(row[0], Alert)

    def deliveries(self, *, since: Instant = 0, due: Instant | None = None) -> list[Delivery]:
        """Deliveries made since then, oldest first; or only those to be tried by ``due``, the most urgent first."""
        asked: tuple[Instant, ...] = (since,) if due is None else (since, due)
        which = "ORDER BY" if due is None else "AND pending AND next_at <= ? ORDER BY severity,"
        query = f"SELECT value FROM alert_deliveries WHERE made_at >= ? {which} made_at, id"
        with self._database.reading() as connection:
            rows = connection.execute(query, asked).fetchall()
        return [_read(value, Delivery) for (value,) in rows]

    def add(self, one: Delivery) -> Delivery:
        """Write a delivery, unless it is there already; gives what is there."""
        with self._database.writing() as connection:
            self._add(connection, one)
            row = connection.execute("SELECT value FROM alert_deliveries WHERE id = ?", (one.id,)).fetchone()
        return _read(row[0], Delivery)

    def settle(self, before: Delivery, after: Delivery) -> Delivery:
        """Replace one. Raises: Conflict when somebody else has."""
        written = dataclasses.replace(after, revision=before.revision + 1)
        changed = ", ".join(f"{name} = ?" for name in _DELIVERY)
        with self._database.writing() as connection:
            done = connection.execute(
                f"UPDATE alert_deliveries SET {changed} WHERE id = ? AND revision = ?",
                (*_delivery_row(written), before.id, before.revision),
            )
        if done.rowcount == 0:
            raise Conflict(
                f"Delivery {before.id} is no longer at revision {before.revision}.",
                mend="Read it again, then decide.",
                delivery=before.id,
            )
        return written

    @staticmethod
    def _book(connection: Connection, loop: str) -> Book:
        row = connection.execute("SELECT value FROM alert_books WHERE loop = ?", (loop,)).fetchone()
        return Book(loop) if row is None else _read(row[0], Book)

    def _replace(self, connection: Connection, before: Book, written: Book) -> None:
        if before.revision == 0 and self._book(connection, before.loop).revision == 0:
            row = (before.loop, _text(written))
            connection.execute("INSERT INTO alert_books (loop, revision, value) VALUES (?, 1, ?)", row)
            return
        done = connection.execute(
            "UPDATE alert_books SET revision = ?, value = ? WHERE loop = ? AND revision = ?",
            (written.revision, _text(written), before.loop, before.revision),
        )
        if done.rowcount == 0:
            raise Conflict(
                f"The alerts of {before.loop!r} are no longer at revision {before.revision}.",
                mend="Read them again, then retry.",
                loop=before.loop,
            )

    @staticmethod
    def _add(connection: Connection, one: Delivery) -> None:
        columns = f"(id, {', '.join(_DELIVERY)}) VALUES (?{', ?' * len(_DELIVERY)})"
        row = (one.id, *_delivery_row(one))
        connection.execute(f"INSERT INTO alert_deliveries {columns} ON CONFLICT (id) DO NOTHING", row)


def _delivery_row(one: Delivery) -> tuple[object, ...]:
    return one.revision, one.pending, one.notice.severity, one.made_at, one.next_at, _text(one)


def _text(value: Alert | Book | Delivery) -> str:
    return msgspec.json.encode(value).decode()


def _read(content: str, kind: type[_Kept]) -> _Kept:
    with decoded("alerts"):
        return msgspec.json.decode(content, type=kind)
