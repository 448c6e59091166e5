"""A gate's question outlives every process: asked once, answered days later, in the ledger, or expired."""

from __future__ import annotations

from pathlib import Path

import pytest

import homeostat as hs
from homeostat.app.by_hand.operations import Operations
from homeostat.app.home import Home
from homeostat.control.state import LoopState
from homeostat.kernel.errors import Refused
from tests.unit.control.rig import DAY, Fate, Site

GATE = hs.Gate(min_days=3, margin=0.01, approval="4d", author="ana@example.org")
ASKED, LAST = 5, 10


def lived(folder: Path, answer: str | None, fate: Fate | None = None) -> Site:
    """Days of control in which a version passes its gate and waits; an answer comes two days later, from outside."""
    folder.mkdir(exist_ok=True)
    before = Site(folder, fate=fate, gate=GATE)
    before.live(1, ASKED)
    site = Site(folder, before.outside, fate, gate=GATE)  # nothing is left but what lies on the disk
    site.disk = before.disk
    site.live(ASKED + 1, ASKED + 2)
    if answer is not None:
        operations, now = Operations.open(Home(folder)), (ASKED + 2) * DAY
        (asked,) = operations.approvals(site.loop, now)
        told = {"approved": answer == "approve", "now": now}
        with pytest.raises(Refused, match="wrote what v1"):
            operations.answer_any(site.loop, asked["question"], "mine", approved=True, actor="ana", now=now)
        operations.answer_any(site.loop, asked["question"], "looked at it", actor="ben", **told)
    site.live(ASKED + 3, LAST)
    return site


def decided(site: Site) -> list[tuple[str, str | None, str]]:
    """What the ledger tells of the first version, with who did it."""
    drafts = [entry.draft for entry in site.store.entries()]
    return [(one.kind, one.version, one.actor) for one in drafts if one.version == "v1"]


@pytest.mark.parametrize(
    ("answer", "after", "standing"),
    [
        ("approve", [("approve", "v1", "ben"), ("promote", "v1", "policy")], "champion"),
        ("refuse", [("refuse", "v1", "ben")], "rejected"),
        (None, [("reject", "v1", "policy")], "rejected"),
    ],
)
def test_it_waits_through_days_and_restarts_and_what_became_of_it_is_written_once(
    tmp_path: Path, answer: str | None, after: list[tuple[str, str, str]], standing: str
) -> None:
    fate = Fate()
    site = lived(tmp_path / "unharmed", answer, fate)
    asked = [("bootstrap", "v1", "policy"), ("gate", "v1", "policy"), ("ask", "v1", "policy")]
    assert decided(site) == [*asked, *after]
    assert state(site).versions["v1"].name == standing
    for moment in range(1, fate.seen + 1):
        harmed = lived(tmp_path / f"dies-{moment}", answer, Fate(moment))
        assert (decided(harmed), state(harmed).route.champion) == (decided(site), state(site).route.champion), moment
        assert Operations.open(Home(tmp_path / f"dies-{moment}")).verify_ledger()["intact"]


def state(site: Site) -> LoopState:
    return site.store.state("demo")
