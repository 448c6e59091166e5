"""The year of flights, read once for all tests of this folder."""

from __future__ import annotations

import pytest

from examples.flights.source import Flights, load


@pytest.fixture(scope="session")
def flights() -> Flights:
    return load()
