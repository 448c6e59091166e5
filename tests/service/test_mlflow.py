"""MLflow's own scoring client, unchanged, asks a real gateway process."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from homeostat.adapters.files.routes import write_route
from homeostat.serving.routing import Route
from tests.service.test_gateway import Gateway, furnished, gateway
from tests.unit.serving.late import question

pytestmark = pytest.mark.service

FRAME = pd.DataFrame(
    [["UA", "JFK", 8, 1400.0], ["AA", "LGA", 20, 9.5], ["DL", "JFK", 13, 7.0]],
    columns=["carrier", "origin", "hour", "distance"],
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose clock is set: MLflow's clients send no header of a replay."""
    home = furnished(tmp_path_factory.mktemp("mlflow"))
    write_route(home / "routes", Route("late", 1, "v1"))
    with gateway(home) as found:
        assert found.predict(question()).status_code == 200
        yield found


@pytest.fixture(scope="module")
def client(running: Gateway) -> Any:
    """The client with which MLflow asks its own model servers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of its own type hints as it is imported
        from mlflow.pyfunc.scoring_server.client import ScoringServerClient
    return ScoringServerClient("127.0.0.1", running.port)


def test_a_frame_is_answered_as_a_frame_of_predictions(client: Any, running: Gateway) -> None:
    client.wait_server_ready(timeout=5)
    found = client.invoke(FRAME, params={"unused": 1}).get_predictions()
    rows = [question(place, **row) for place, row in enumerate(FRAME.to_dict(orient="records"))]
    plain = running.predict(*rows).json()["predictions"]
    assert found["probability"].tolist() == [one["probability"] for one in plain]
    assert found["version"].tolist() == ["v1"] * 3
    assert found["prediction_id"].is_unique


def test_a_missing_value_of_pandas_is_missing_here(client: Any) -> None:
    frame = FRAME.assign(distance=[np.nan, 1.0, np.nan], asked_at=pd.Timestamp("2013-02-01T12:30:00Z"))
    assert len(client.invoke(frame).get_predictions()) == 3
    with pytest.raises(Exception, match="null_not_allowed"):
        client.invoke(FRAME.assign(hour=[8, np.nan, 9]))


def test_arrays_and_lists_of_records_are_answered(client: Any) -> None:
    assert len(client.invoke(FRAME.to_numpy()).get_predictions()) == 3
    assert len(client.invoke(FRAME.to_dict(orient="records")).get_predictions()) == 3


def test_the_version_is_the_installed_mlflow(client: Any) -> None:
    from mlflow.version import VERSION

    assert client.get_version() == VERSION


def test_a_refused_request_says_why_in_the_exception(client: Any) -> None:
    with pytest.raises(Exception, match="not_a_category") as caught:
        client.invoke(FRAME.assign(carrier="XX"))
    assert "error code 422" in str(caught.value)
