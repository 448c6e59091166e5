"""Why this arm: what the route of a generation made of one unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homeostat.governance.audit import Entry
from homeostat.serving.routing import place_of

Record = Mapping[str, Any]


def in_force(entries: Sequence[Entry], generation: int) -> Entry | None:
    """The decision by which the route of a generation came about; None where the ledger does not say."""
    made = [one for one in entries if one.draft.evidence.get("generation") == generation]
    return made[-1] if made else None


def why_arm(record: Record, decided: Entry | None, unit: str | None) -> str:
    """In one sentence. ``unit`` is what stays with its arm; None where the log does not have it."""
    arm, version = str(record["arm"]), str(record["version"])
    if record.get("fell_back"):
        return f"The arm that it met failed in this very request, so the champion, {version}, answered."
    if arm == "pinned":
        return f"The request named {version}; the route had no say."
    if arm == "shadow":
        return f"{version} saw this row beside the one that answered; nobody was given what it said."
    if "/" in arm:
        experiment, _, name = arm.partition("/")
        return f"Experiment {experiment!r} drew its unit into arm {name!r}, which {version} answers."
    route = decided.draft.evidence if decided else {}
    canary, share = route.get("canary"), route.get("share")
    if canary is None or not isinstance(share, float):
        return f"{version} is the champion; it answers whom no rollout or experiment takes."
    who = "the candidate" if arm == "canary" else f"the champion; the candidate was {canary}"
    drawn = "" if unit is None else _drawn(str(record["loop"]), str(canary), share, unit, arm)
    return f"{version} was {who}, with {share:.0%} of the units{drawn}."


def _drawn(loop: str, canary: str, share: float, unit: str, arm: str) -> str:
    """Where the unit stands in the rollout's draw, if that is what put it here."""
    place = place_of(f"{loop}/rollout/{canary}", unit)
    if (place < share) != (arm == "canary"):
        return ""
    return f": its unit stands at {place:.4f}, {'below' if place < share else 'not below'} {share:g}"
