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


def test_an_address_is_told_whole_and_without_its_secret() -> None:
    said = _said(OSError('Could not connect to the endpoint URL: "https://me:secret@s3.example.org/models/a".'))
    assert 'fails: Could not connect to the endpoint URL: "https://s3.example.org/models/a". Look' in said


def test_what_is_not_installed_is_told_with_what_to_install() -> None:
    said = _said(ModuleNotFoundError("No module named 'boto3'", name="boto3"))
    assert "boto3 is needed to reach its files and is not installed" in said
    assert "pip install 'homeostat[s3]'" in said


def test_a_fault_of_ours_stays_one() -> None:
    with pytest.raises(ZeroDivisionError), told("anywhere"):
        raise ZeroDivisionError
