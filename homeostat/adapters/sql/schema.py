"""Tables of the relational store."""

from __future__ import annotations

from sqlite3 import Connection

from homeostat.kernel.errors import IntegrityError

_LAYOUT = 1
"""Grows when an older release could no longer write here without harm; files of before it was kept say 0."""
_TABLES = """
CREATE TABLE IF NOT EXISTS loops (
    loop VARCHAR(128) NOT NULL PRIMARY KEY, revision INTEGER NOT NULL, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS days (
    cursor INTEGER NOT NULL PRIMARY KEY, loop VARCHAR(128) NOT NULL, day VARCHAR(10) NOT NULL, value TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ix_days_loop ON days (loop);
CREATE TABLE IF NOT EXISTS ledger (
    seq BIGINT NOT NULL PRIMARY KEY, id VARCHAR(256) NOT NULL UNIQUE, loop VARCHAR(128) NOT NULL, draft TEXT NOT NULL,
    previous VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL);
CREATE INDEX IF NOT EXISTS ix_ledger_loop ON ledger (loop);
CREATE TABLE IF NOT EXISTS consumers (
    loop VARCHAR(128) NOT NULL, name VARCHAR(64) NOT NULL, revision INTEGER NOT NULL, active BOOLEAN NOT NULL,
    contact TEXT NOT NULL, needs TEXT NOT NULL, relies_on TEXT NOT NULL, since BIGINT NOT NULL,
    PRIMARY KEY (loop, name));
CREATE TABLE IF NOT EXISTS alert_books (
    loop VARCHAR(128) NOT NULL PRIMARY KEY, revision INTEGER NOT NULL, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS alerts (
    id VARCHAR(64) NOT NULL PRIMARY KEY, loop VARCHAR(128) NOT NULL, open BOOLEAN NOT NULL, opened_at BIGINT NOT NULL,
    value TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ix_alerts_loop ON alerts (loop);
CREATE INDEX IF NOT EXISTS ix_alerts_open ON alerts (open);
CREATE TABLE IF NOT EXISTS alert_deliveries (
    id VARCHAR(64) NOT NULL PRIMARY KEY, revision INTEGER NOT NULL, pending BOOLEAN NOT NULL,
    severity VARCHAR(2) NOT NULL, made_at BIGINT NOT NULL, next_at BIGINT NOT NULL, value TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ix_alert_deliveries_pending ON alert_deliveries (pending);
"""
_COUNTS = {"served": "$.inputs.rows", "failed": "$.inputs.failed", "labelled": "$.outcomes.labelled"}
"""What is counted of each day. The database takes it from the day itself, also of those that older releases wrote."""
_COUNTED = f"CREATE INDEX IF NOT EXISTS days_counted ON days (loop, day, {', '.join(_COUNTS)})"


def bring_up(connection: Connection) -> None:
    """Make what is not there yet, in a new file or in one of an older release.

    Raises: IntegrityError for a file of a newer release that must not be written here.
    """
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if layout > _LAYOUT:
        raise IntegrityError(
            f"control.sqlite was written by a newer Homeostat: its layout is {layout}, and {_LAYOUT} is known here.",
            mend="Nothing was changed. Use that release or a newer one, or a copy of the folder from before it.",
            layout=layout,
        )
    for statement in _TABLES.strip().split(";\n"):
        connection.execute(statement)
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'days_counted'").fetchone() is None:
        _count(connection)


def _count(connection: Connection) -> None:
    """In one transaction, so that of two who open an older file at once one finds it done."""
    connection.execute("BEGIN IMMEDIATE")
    known = {row[1] for row in connection.execute("PRAGMA table_xinfo (days)").fetchall()}
    for name in _COUNTS.keys() - known:
        made = f"GENERATED ALWAYS AS (json_extract(value, '{_COUNTS[name]}')) VIRTUAL"
        connection.execute(f"ALTER TABLE days ADD COLUMN {name} INTEGER {made}")
    connection.execute(_COUNTED)
    connection.execute(f"PRAGMA user_version = {_LAYOUT}")
    connection.execute("COMMIT")
