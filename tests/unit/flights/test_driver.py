"""The replay's place: the last one written, whoever reads it, whole from the first write on."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from examples.flights.driver import Cursor


def test_the_place_is_the_last_one_written_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "place.json"
    with closing(Cursor(path)) as cursor:
        assert cursor.read(7) == 7
        assert not path.exists()
        for at in (1_357_000_000_000_000, 5, 12):
            cursor.write(at)
            assert json.loads(path.read_bytes()) == {"at": at}
    with closing(Cursor(path)) as again:
        assert again.read(7) == 12
        again.write(13)
    assert json.loads(path.read_bytes()) == {"at": 13}
    assert list(tmp_path.iterdir()) == [path]
