"""What MLflow fails with is told in a line that a reader can use."""

from __future__ import annotations

import sqlite3

import pytest

from homeostat.adapters.mlflow.failures import told
from homeostat.kernel.errors import Unavailable


def _said(error: Exception) -> str:
    with pytest.raises(Unavailable) as caught, told("sqlite:///mlflow.sqlite"):
        raise error
    return str(caught.value)


class OfMlflow(Exception):
    """An error with a code of its own, as MLflow's are; those take seconds to import."""

    error_code = "INTERNAL_ERROR"


def test_the_statement_that_a_full_disk_cut_off_is_left_out() -> None:
    said = _said(
        OfMlflow(
            "(sqlite3.OperationalError) database or disk is full\n"
            "[SQL: INSERT INTO model_versions (name, version) VALUES (?, ?)]\n[parameters: ('late-arrival', 7)]"
        )
    )
    assert "database or disk is full" in said
    assert "INSERT" not in said
    assert "parameters" not in said


def test_what_stands_behind_a_chain_of_causes_is_told() -> None:
    said = _said(OSError("Max retries exceeded (Caused by NewConnectionError('Connection refused'))"))
    assert "Connection refused" in said
    assert "Max retries" not in said


def test_what_sqlite_says_itself_is_told() -> None:
    assert "database is locked" in _said(sqlite3.OperationalError("database is locked"))


def test_a_fault_of_ours_stays_one() -> None:
    with pytest.raises(ZeroDivisionError), told("anywhere"):
        raise ZeroDivisionError
