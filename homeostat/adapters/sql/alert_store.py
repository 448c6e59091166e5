"""Alerts on SQLAlchemy, beside the loops that they are about."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update

from homeostat.adapters.sql.ledger import append_entries
from homeostat.adapters.sql.schema import alert_books, alert_deliveries, metadata
from homeostat.adapters.sql.schema import alerts as alert_table
from homeostat.governance.audit import Draft, Heads
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, NotFound
from homeostat.monitoring.alerts.alerts import Alert, Book
from homeostat.monitoring.alerts.deliveries import Delivery


class SqlAlertStore:
    """Keeps books, alerts and deliveries; what belongs together is one transaction."""

    def __init__(self, engine: Engine, heads: Heads | None = None) -> None:
        """``heads`` sign the ledger for those who write what people decided; who only delivers needs none."""
        self._engine = engine
        self._heads = heads
        metadata.create_all(engine)

    def book(self, loop: str) -> Book:
        """How far a loop has been read; a new book for one never seen."""
        with self._engine.connect() as connection:
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
        with self._engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._replace(connection, before, written)
            for alert in alerts:
                connection.execute(delete(alert_table).where(alert_table.c.id == alert.id))
                connection.execute(insert(alert_table).values(**_row(alert)))
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
        query = select(alert_table.c.value).order_by(alert_table.c.opened_at, alert_table.c.id)
        if loop is not None:
            query = query.where(alert_table.c.loop == loop)
        if open_only:
            query = query.where(alert_table.c.open)
        with self._engine.connect() as connection:
            return [msgspec.json.decode(text, type=Alert) for text in connection.execute(query).scalars()]

    def find(self, alert: str) -> Alert:
        """One alert. Raises: NotFound."""
        with self._engine.connect() as connection:
            query = select(alert_table.c.value).where(alert_table.c.id == alert)
            text = connection.execute(query).scalar_one_or_none()
        if text is None:
            raise NotFound(f"There is no alert {alert!r}.", mend="'homeostat alerts list all --all' lists them.")
        return msgspec.json.decode(text, type=Alert)

    def deliveries(self, *, since: Instant = 0, due: Instant | None = None) -> list[Delivery]:
        """Deliveries made since then, oldest first; or only those to be tried by ``due``, the most urgent first."""
        table = alert_deliveries.c
        query = select(table.value).where(table.made_at >= since)
        if due is None:
            query = query.order_by(table.made_at, table.id)
        else:
            query = query.where(table.pending, table.next_at <= due).order_by(table.severity, table.made_at, table.id)
        with self._engine.connect() as connection:
            return [msgspec.json.decode(text, type=Delivery) for text in connection.execute(query).scalars()]

    def add(self, one: Delivery) -> Delivery:
        """Write a delivery, unless it is there already; gives what is there."""
        with self._engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._add(connection, one)
            text = connection.execute(
                select(alert_deliveries.c.value).where(alert_deliveries.c.id == one.id)
            ).scalar_one()
        return msgspec.json.decode(text, type=Delivery)

    def settle(self, before: Delivery, after: Delivery) -> Delivery:
        """Replace one. Raises: Conflict when somebody else has."""
        written = dataclasses.replace(after, revision=before.revision + 1)
        table = alert_deliveries
        with self._engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            done = connection.execute(
                update(table)
                .where(table.c.id == before.id, table.c.revision == before.revision)
                .values(**_delivery_row(written))
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
        query = select(alert_books.c.value).where(alert_books.c.loop == loop)
        text = connection.execute(query).scalar_one_or_none()
        return Book(loop) if text is None else msgspec.json.decode(text, type=Book)

    def _replace(self, connection: Connection, before: Book, written: Book) -> None:
        text = msgspec.json.encode(written).decode()
        if before.revision == 0 and self._book(connection, before.loop).revision == 0:
            connection.execute(insert(alert_books).values(loop=before.loop, revision=1, value=text))
            return
        done = connection.execute(
            update(alert_books)
            .where(alert_books.c.loop == before.loop, alert_books.c.revision == before.revision)
            .values(revision=written.revision, value=text)
        )
        if done.rowcount == 0:
            raise Conflict(
                f"The alerts of {before.loop!r} are no longer at revision {before.revision}.",
                mend="Read them again, then retry.",
                loop=before.loop,
            )

    @staticmethod
    def _add(connection: Connection, one: Delivery) -> None:
        known = select(alert_deliveries.c.id).where(alert_deliveries.c.id == one.id)
        if connection.execute(known).one_or_none() is None:
            connection.execute(insert(alert_deliveries).values(id=one.id, **_delivery_row(one)))


def _row(alert: Alert) -> dict[str, object]:
    return {
        "id": alert.id,
        "loop": alert.loop,
        "open": alert.resolved is None,
        "opened_at": alert.opened_at,
        "value": msgspec.json.encode(alert).decode(),
    }


def _delivery_row(one: Delivery) -> dict[str, object]:
    return {
        "revision": one.revision,
        "pending": one.pending,
        "severity": one.notice.severity,
        "made_at": one.made_at,
        "next_at": one.next_at,
        "value": msgspec.json.encode(one).decode(),
    }
