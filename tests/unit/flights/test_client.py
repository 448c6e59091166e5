"""The replay's client waits for a part that restarts, and not for a version that only the replay can bring on."""

from __future__ import annotations

import msgspec
import pytest

from examples.flights.client import Doors
from homeostat.kernel.errors import Unavailable
from homeostat.serving.waiting import Waiting, no_version


def doors(*replies: tuple[int, object], monkeypatch: pytest.MonkeyPatch) -> Doors:
    coming = iter(replies)
    found = Doors("http://127.0.0.1:1")
    monkeypatch.setattr("examples.flights.client._PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(found, "_try", lambda *_: (lambda told: (told[0], msgspec.json.encode(told[1])))(next(coming)))
    return found


def refused(code: str) -> object:
    return {"error": no_version("late", Waiting(code, "v1 did not pass the gate", "v1", 0)).to_dict()}


def test_it_waits_while_a_first_version_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = doors((503, refused("training")), (0, None), (200, {"predictions": []}), monkeypatch=monkeypatch)
    assert asked.post("/loops/late/predict", {}) == ({"predictions": []}, 2)


@pytest.mark.parametrize("code", ["rejected", "failed"])
def test_it_stops_at_once_when_the_first_version_was_turned_away(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = doors((503, refused(code)), monkeypatch=monkeypatch)
    with pytest.raises(Unavailable, match="did not pass the gate") as error:
        asked.post("/loops/late/predict", {})
    assert "tried again from 1970-01-01T00:00:00Z on" in error.value.mend
