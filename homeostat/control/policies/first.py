"""When a first version is trained: nothing serves yet, so that there is nothing else to judge by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from homeostat.control.policies.findings import judged
from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.verdicts import INCONCLUSIVE, RETRAIN, Reason, Verdict
from homeostat.kernel.words import plural


@dataclass(frozen=True, slots=True)
class Matured:
    """Labelled rows that a first version would be trained on, and later days with labels to judge it by."""

    rows: int
    days: int


@dataclass(frozen=True, slots=True)
class First:
    """What a first version needs: ``rows`` to train on, and as many ``days`` to judge it by as the gate asks for."""

    rows: int
    days: int

    @property
    def version(self) -> str:
        """The hash of the canonical form."""
        return digest(self)


def judge_first(matured: Matured, limits: First) -> Verdict:
    """Train a first version once there are rows to train on and days to judge it by.

    Both are counted around the very cut-off that the training will have: while history is still being sent, its
    newest days are not there yet, and a version that nothing can judge would only be turned away.
    """
    if matured.rows < limits.rows:
        text = f"{plural(matured.rows, 'labelled row')} to train on < {limits.rows:,} needed"
        return _verdict(INCONCLUSIVE, "too_few_rows", matured.rows, limits.rows, text)
    if matured.days < limits.days:
        text = f"{plural(matured.days, 'later day')} with labels to judge by < {limits.days} needed"
        return _verdict(INCONCLUSIVE, "too_few_days", matured.days, limits.days, text)
    text = (
        f"no version yet; {plural(matured.rows, 'labelled row')} to train on >= {limits.rows:,},"
        f" {plural(matured.days, 'later day')} to judge by >= {limits.days}"
    )
    return _verdict(RETRAIN, "first_version", matured.rows, limits.rows, text)


def first_evidence(matured: Matured, limits: First, verdict: Verdict) -> dict[str, Any]:
    """What the ledger keeps of the verdict: enough to make it again."""
    return {
        "matured": plain(matured),
        "policy": plain(limits),
        "policy_version": limits.version,
        "judged": judged(verdict),
    }


def _verdict(name: str, code: str, observed: float, limit: float, text: str) -> Verdict:
    return Verdict(name, (Reason(code, observed, limit, text),))
