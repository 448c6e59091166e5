"""A retraining begins only where it helps: on broken data it is refused, once, with the reason quoted."""

from __future__ import annotations

from pathlib import Path

import pytest

import homeostat as hs
from homeostat.control.intervening import FORBIDDING, judge_intervention
from homeostat.control.policies.replay import replay
from homeostat.kernel.verdicts import HOLD, INCONCLUSIVE, RETRAIN, Reason, Verdict
from homeostat.monitoring.diagnosis import INTERVENTIONS, CauseName, Diagnosis
from tests.unit.control.rig import Outside, Site

BROKEN = Diagnosis("broken_data", "visits has no value in 40 % of the rows of a day, in at most 3 % before")
LOSING = hs.Retrain(
    when=hs.Emergency() | hs.Realised(trail=3) | hs.Schedule(at_latest="60d"),
    cool_down="3d",
    first_holdout="3d",
    min_rows=100,
)


def asked(code: str) -> Verdict:
    """A policy that asks for a retraining."""
    return Verdict(RETRAIN, (Reason(code, 0.1, 0.2, "0.1 < 0.2"),))


@pytest.mark.parametrize("cause", INTERVENTIONS)
def test_only_what_calls_for_mending_or_going_back_refuses(cause: CauseName) -> None:
    verdict = judge_intervention(asked("lasting_loss"), Diagnosis(cause, "because of this"))
    if INTERVENTIONS[cause] not in FORBIDDING:
        assert verdict == asked("lasting_loss")
        return
    assert verdict.name == HOLD
    assert "because of this" in verdict.texts[0]
    assert "0.1 < 0.2" in verdict.texts[0]


@pytest.mark.parametrize("code", ["too_old", "first_version"])
def test_age_and_a_first_version_are_never_refused(code: str) -> None:
    assert judge_intervention(asked(code), BROKEN) == asked(code)


@pytest.mark.parametrize("name", [HOLD, INCONCLUSIVE])
def test_what_is_not_asked_for_is_not_refused(name: str) -> None:
    verdict = Verdict(name, (Reason("as_promised", None, None, "fine"),))
    assert judge_intervention(verdict, BROKEN) == verdict


def test_the_decision_to_retrain_keeps_its_diagnosis(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.live(1, 12)
    decided = [entry.draft for entry in site.store.entries() if entry.draft.kind in ("bootstrap", "retrain")]
    assert [draft.kind for draft in decided] == ["bootstrap", "retrain"]
    assert "diagnosis" not in decided[0].evidence
    assert decided[1].evidence["diagnosis"] == site.outside.diagnosis.to_json()


def test_on_broken_data_nothing_is_trained_and_the_ledger_says_so_once(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(diagnosis=BROKEN, worse={"v1": 1.0}), retrain=LOSING)
    state = site.live(1, 16)
    kinds = [entry.draft.kind for entry in site.store.entries()]
    assert kinds == ["bootstrap", "gate", "promote", "hold"]
    assert state.retraining is None
    assert len(set(site.outside.asked_why)) > 3
    held = site.store.entries()[-1].draft
    assert (held.verdict, held.evidence["diagnosis"]) == (HOLD, BROKEN.to_json())
    assert BROKEN.because in held.reasons[0]
    verdict = site.process.verdict
    assert verdict is not None
    assert verdict.name == HOLD
    again = replay(held.evidence, held.verdict)
    assert (again.equal, again.verdict, again.reasons) == (True, HOLD, held.reasons)
    mended = {**held.evidence, "diagnosis": Diagnosis("nothing", "all is well").to_json()}
    assert replay(mended, held.verdict).differences == ("after the diagnosis: 'RETRAIN' now, 'HOLD' then",)


def test_once_the_data_are_mended_it_is_retrained(tmp_path: Path) -> None:
    site = Site(tmp_path, Outside(diagnosis=BROKEN, worse={"v1": 1.0}), retrain=LOSING)
    site.live(1, 14)
    site.outside.diagnosis = Diagnosis("sudden_change", "another world")
    site.live(15, 16)
    assert "retrain" in [entry.draft.kind for entry in site.store.entries()]
