"""Consumers on SQLAlchemy, beside the ledger that tells of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, insert, select, update
from sqlalchemy.engine import Row

from homeostat.adapters.sql.ledger import append_entries
from homeostat.adapters.sql.schema import consumers, metadata
from homeostat.data.checks import did_you_mean
from homeostat.governance.audit import Draft, Heads
from homeostat.governance.consumers import Consumer, registered, removed
from homeostat.governance.outputs import OutputContract
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import Conflict, NotFound


class SqlConsumers:
    """Keeps who reads which predictions. A name that was removed keeps its place, so that revisions go on."""

    def __init__(self, engine: Engine, heads: Heads) -> None:
        self._engine = engine
        self._heads = heads
        metadata.create_all(engine)

    def list(self) -> list[Consumer]:
        """Everyone who is registered now, in order of loop and name."""
        query = select(consumers).where(consumers.c.active).order_by(consumers.c.loop, consumers.c.name)
        with self._engine.connect() as connection:
            return [_consumer(row) for row in connection.execute(query)]

    def add(self, consumer: Consumer) -> Consumer:
        """Register; gives it with its revision. Raises: Conflict when the name is taken."""
        return self._write(lambda connection: self._add(connection, consumer))

    def remove(self, loop: str, name: str, at: Instant) -> Consumer:
        """End a registration. Raises: NotFound without it."""
        return self._write(lambda connection: self._remove(connection, loop, name, at))

    def _write(self, change: Callable[[Connection], tuple[Consumer, Draft]]) -> Consumer:
        """One transaction for the change and its entry in the ledger, signed before and after."""
        with self._engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
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
        values = {
            "revision": added.revision,
            "active": True,
            "contact": added.contact,
            "needs": json.dumps(added.needs),
            "relies_on": json.dumps(added.relies_on.to_json()),
            "since": added.since,
        }
        if known is None:
            connection.execute(insert(consumers).values(loop=added.loop, name=added.name, **values))
        else:
            connection.execute(update(consumers).where(_is(added.loop, added.name)).values(**values))
        return added, registered(added)

    @staticmethod
    def _remove(connection: Connection, loop: str, name: str, at: Instant) -> tuple[Consumer, Draft]:
        known = _row(connection, loop, name)
        if known is None or not known.active:
            here = select(consumers.c.name).where(consumers.c.loop == loop, consumers.c.active)
            names = list(connection.execute(here).scalars())
            raise NotFound(
                f"No consumer {name!r} is registered for {loop!r}.", mend=did_you_mean(name, names), consumer=name
            )
        connection.execute(update(consumers).where(_is(loop, name)).values(active=False))
        gone = _consumer(known)
        return gone, removed(gone, at)


def _is(loop: str, name: str) -> ColumnElement[bool]:
    return and_(consumers.c.loop == loop, consumers.c.name == name)


def _row(connection: Connection, loop: str, name: str) -> Row[Any] | None:
    return connection.execute(select(consumers).where(_is(loop, name))).one_or_none()


def _consumer(row: Row[Any]) -> Consumer:
    return Consumer(
        loop=row.loop,
        name=row.name,
        contact=row.contact,
        needs=tuple(json.loads(row.needs)),
        relies_on=OutputContract.from_json(json.loads(row.relies_on)),
        since=row.since,
        revision=row.revision,
    )
