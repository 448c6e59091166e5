"""A stored verdict made again, from the stored situation under the stored policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from homeostat.control.intervening import judge_intervention
from homeostat.control.policies.findings import judged
from homeostat.control.policies.first import First, Matured, judge_first
from homeostat.control.policies.judging import judge_retrain
from homeostat.control.policies.retrain import Retrain
from homeostat.control.policies.situation import Situation
from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import Verdict
from homeostat.monitoring.diagnosis import INTERVENTIONS, Diagnosis

Stored = TypeVar("Stored", First, Matured)
KEPT = frozenset({"policy", "policy_version", "judged"})
"""What evidence holds of a verdict that can be made again."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the recorded policy says of the recorded situation today, and every difference from what it said then.

    What counts is the verdict, and of each reason its code and both sides that it quotes; other words do not.
    """

    verdict: str
    reasons: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether it says the same, for the same reasons."""
        return not self.differences


def replay(evidence: Mapping[str, Any], decided: str | None = None) -> Replayed:
    """Judge again, and let a stored diagnosis refuse again what it may; ``decided`` is the verdict that came of both.

    Raises: InvalidInput for evidence that holds no situation, as that of older decisions.
    """
    if not evidence.keys() >= KEPT or not evidence.keys() & {"situation", "matured"}:
        raise InvalidInput(
            "This decision holds no situation, so that it cannot be judged again.",
            mend="Only decisions to train hold one, and those of older releases do not.",
        )
    found, then = _judge(evidence), evidence["judged"]
    now, after = plain(judged(found)), _diagnosed(found, evidence.get("diagnosis"))
    told = [
        f"{name}: {today!r} now, {before!r} then"
        for name, today, before in (
            ("policy version", digest(evidence["policy"]), evidence["policy_version"]),
            ("verdict", now["verdict"], then.get("verdict")),
            ("reasons", now["because"], then.get("because")),
            ("after the diagnosis", after.name, decided if decided and "diagnosis" in evidence else after.name),
        )
        if today != before
    ]
    return Replayed(after.name, after.texts, tuple(told))


def _judge(evidence: Mapping[str, Any]) -> Verdict:
    if "matured" in evidence:
        limits, matured = _read(evidence["policy"], First), _read(evidence["matured"], Matured)
        return judge_first(matured, limits)
    return judge_retrain(Situation.from_json(evidence["situation"]), Retrain.from_json(evidence["policy"]))


def _diagnosed(found: Verdict, told: Any) -> Verdict:
    if not isinstance(told, Mapping) or told.get("cause") not in INTERVENTIONS:
        return found
    return judge_intervention(found, Diagnosis(told["cause"], str(told.get("because", ""))))


def _read(form: object, kind: type[Stored]) -> Stored:
    try:
        return msgspec.convert(form, kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            f"What is stored of a first version cannot be read: {error}.", mend="Verify the ledger."
        ) from error
