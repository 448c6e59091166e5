"""What the log hides is served with, and never reaches the disk."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

from homeostat.data.log_policy import Log
from tests.unit.serving.late import PLAN, question
from tests.unit.serving.rig import Rig, arrival

SECRET = "somebody's airport"
HASHED = dataclasses.replace(PLAN, log=Log(hashed=["origin"]))


def test_a_hidden_column_is_served_with_and_its_value_is_in_no_file(tmp_path: Path) -> None:
    async def run() -> None:
        rig = Rig(tmp_path / "home", plan=HASHED)
        rig.landed(arrival("a", minutes_before=10, delay=30.0, origin=SECRET))
        await rig.route(generation=1, champion="v1")
        reply = await rig.predict(question(1, origin=SECRET), question(2, origin=SECRET), question(3))
        assert reply.status == 200
        first, second, third = rig.records()
        assert first.question["origin"] == second.question["origin"] != third.question["origin"]
        assert str(first.question["origin"]).startswith("hashed:")
        assert "JFK" not in str(third.question)
        assert first.features[3] == 30.0
        await rig.close()

    asyncio.run(run())
    assert not any(SECRET.encode() in path.read_bytes() for path in (tmp_path / "home" / "spool").iterdir())


def test_refused_rows_that_may_hold_hidden_values_are_counted_and_not_kept(tmp_path: Path) -> None:
    async def run() -> None:
        for plan, kept in ((HASHED, 0), (PLAN, 1)):
            rig = Rig(tmp_path / str(kept), plan=plan)
            await rig.route(generation=1, champion="v1")
            assert (await rig.predict(question(hour=99, origni=SECRET))).status == 422
            assert rig.metric("homeostat_contract_breaks_total", loop="late", reason="unknown_column") == 1
            await rig.close()
            assert len(rig.recorder.refused_given) == kept

    asyncio.run(run())
