"""Tables of the relational store."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table, Text

metadata = MetaData()

loops = Table(
    "loops",
    metadata,
    Column("loop", String(128), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
)

days = Table(
    "days",
    metadata,
    Column("cursor", Integer, primary_key=True, autoincrement=False),
    Column("loop", String(128), nullable=False, index=True),
    Column("day", String(10), nullable=False),
    Column("value", Text, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(256), nullable=False, unique=True),
    Column("loop", String(128), nullable=False, index=True),
    Column("draft", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

consumers = Table(
    "consumers",
    metadata,
    Column("loop", String(128), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("contact", Text, nullable=False),
    Column("needs", Text, nullable=False),
    Column("relies_on", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
)

alert_books = Table(
    "alert_books",
    metadata,
    Column("loop", String(128), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("value", Text, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("loop", String(128), nullable=False, index=True),
    Column("open", Boolean, nullable=False, index=True),
    Column("opened_at", BigInteger, nullable=False),
    Column("value", Text, nullable=False),
)

alert_deliveries = Table(
    "alert_deliveries",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("pending", Boolean, nullable=False, index=True),
    Column("severity", String(2), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("value", Text, nullable=False),
)
