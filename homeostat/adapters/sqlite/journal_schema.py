"""The journal's SQL: its tables, and the statements that fill them."""

from __future__ import annotations

LAYOUT = 2
SCHEMA = """
CREATE TABLE IF NOT EXISTS newest (
    subject BLOB PRIMARY KEY, content BLOB NOT NULL, known_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS superseded (fact BLOB PRIMARY KEY, known_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (
    first_sequence INTEGER PRIMARY KEY, last_sequence INTEGER NOT NULL, name TEXT NOT NULL,
    known_at INTEGER NOT NULL, columns BLOB NOT NULL, past BLOB);
CREATE TABLE IF NOT EXISTS tables (
    name TEXT PRIMARY KEY, sequence INTEGER NOT NULL,
    newest_event INTEGER NOT NULL, newest_known INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (
    name TEXT NOT NULL, hour INTEGER NOT NULL, reason TEXT NOT NULL, rows INTEGER NOT NULL,
    PRIMARY KEY (name, hour, reason)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (digest BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, known_at INTEGER NOT NULL, content TEXT NOT NULL,
    field TEXT, reason TEXT NOT NULL, problem TEXT NOT NULL, mend TEXT NOT NULL, door TEXT NOT NULL,
    digest BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS quarantine_by_name ON quarantine (name, id);
CREATE TABLE IF NOT EXISTS imports (
    id TEXT PRIMARY KEY, known_at INTEGER NOT NULL, rows INTEGER NOT NULL, duplicates INTEGER NOT NULL,
    quarantined INTEGER NOT NULL, first_sequence INTEGER NOT NULL, last_sequence INTEGER NOT NULL) WITHOUT ROWID;
"""
PRAGMAS = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864; PRAGMA wal_autocheckpoint=8000;
"""
PENDING = """SELECT first_sequence, last_sequence, name, known_at, columns, past FROM batches
    WHERE first_sequence > ? AND last_sequence <= ? ORDER BY first_sequence"""
NEWEST = """INSERT INTO tables VALUES (:name, :sequence, :event, :known) ON CONFLICT (name) DO UPDATE SET
    sequence = :sequence,
    newest_event = max(newest_event, :event), newest_known = max(newest_known, :known)"""
COUNT = """INSERT INTO counters VALUES (?, ?, ?, ?)
    ON CONFLICT (name, hour, reason) DO UPDATE SET rows = rows + excluded.rows"""
REFUSE = """INSERT INTO quarantine (name, known_at, content, field, reason, problem, mend, door, digest)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
LISTED = "id, name, known_at, content, field, reason, problem, mend, door"
FORGET_REFUSED = """DELETE FROM quarantine WHERE name = ?1 AND id <=
    (SELECT id FROM quarantine WHERE name = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)"""
