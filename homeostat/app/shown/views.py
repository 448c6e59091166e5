"""What people are shown of what the stores say by themselves, as JSON values; the dashboard and the commands show the
same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homeostat.control.state import DayCounts, LoopState, Restoring
from homeostat.governance.audit import Entry
from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant, format_instant
from homeostat.registry.models import Version
from homeostat.serving.replicas import ReplicaState
from homeostat.serving.waiting import Waiting

Json = dict[str, Any]
COUNTED = {"retrain": "retrains", "promote": "promotions", "reject": "rejections", "rollback": "rollbacks"}


def totals(counted: DayCounts, entries: Sequence[Entry]) -> Json:
    """Rows served and labelled, requests failed, and decisions by kind, since the beginning.

    That a first version came to serve is not counted as a promotion: it replaced nothing.
    """
    first = {entry.draft.version for entry in entries if entry.draft.kind == "bootstrap"}
    rows = {"served": counted.served, "labelled": counted.labelled, "failed_requests": counted.failed}
    found: Json = {**rows, **dict.fromkeys(COUNTED.values(), 0)}
    for entry in entries:
        draft = entry.draft
        if draft.kind in COUNTED and not (draft.kind == "promote" and draft.version in first):
            found[COUNTED[draft.kind]] += 1
    return found


def decision(entry: Entry) -> Json:
    """One decision with its reasons and evidence."""
    draft = entry.draft
    return {
        "seq": entry.seq,
        "at": format_instant(draft.at),
        "kind": draft.kind,
        "verdict": draft.verdict,
        "version": draft.version,
        "title": draft.title,
        "reasons": list(draft.reasons),
        "actor": draft.actor,
        "evidence": dict(draft.evidence),
        "hash": entry.hash,
    }


def route_of(state: LoopState) -> Json:
    """What serves now."""
    route = state.route
    return {
        "generation": route.generation,
        "champion": route.champion,
        "canary": route.canary,
        "share": route.share,
        "standby": route.standby,
        "shadows": [plain(shadow) for shadow in route.shadows],
        "experiments": [plain(experiment) for experiment in route.experiments],
        "halted": list(route.halted),
    }


def restoring_activity(restoring: Restoring, progress: str) -> Json:
    """State on its way back, as what is under way."""
    since = format_instant(restoring.asked_at)
    step = f"{progress}; {restoring.leaving} answers until it is there" if restoring.flip else progress
    return {"kind": "state", "step": step, "since": since, "version": restoring.version}


def replicas_of(replicas: Sequence[ReplicaState], loop: str, now: Instant) -> list[Json]:
    """What each replica serves of a loop, and since when it is silent."""
    found = []
    for one in replicas:
        served = one.loops.get(loop)
        found.append(
            {
                "id": one.id,
                "generation": served.generation if served else None,
                "ready": not one.silent(now) and served is not None and served.champion is not None,
                "problem": served.problem if served else None,
                "said_seconds_ago": round(max(0, now - one.at) / 1e6, 1),
            }
        )
    return found


def waiting_of(waiting: Waiting) -> Json:
    """Why nothing serves yet, and when a version that was turned away is tried again."""
    next_try = None if waiting.next_try is None else format_instant(waiting.next_try)
    return {"code": waiting.code, "text": waiting.text, "version": waiting.version, "next_try": next_try}


def champion_of(version: Version | None) -> Json | None:
    """The champion and what it promised."""
    if version is None:
        return None
    told = version.promise
    promise = {name: told.get(name) for name in ("log_loss", "skill", "skill_low", "skill_high")}
    promise |= {name: told[name] for name in ("rmse", "mae", "quantile_loss", "bias", "accuracy") if name in told}
    return {
        "version": version.version,
        "created_at": format_instant(version.created_at),
        "rows": version.pin.rows,
        "promise": {**promise, "auc": told.get("roc_auc")},
    }


def versions_of(state: LoopState, registered: Mapping[str, Version]) -> list[Json]:
    """Every version ever asked for, newest first, with its standing and, once registered, its figures."""
    rows = []
    for name, standing in sorted(state.versions.items(), key=lambda item: -int(item[0].removeprefix("v"))):
        known = registered.get(name)
        rows.append(
            {
                "version": name,
                "state": standing.name,
                "since": format_instant(standing.since),
                "created_at": format_instant(known.created_at if known else standing.since),
                "rows": known.pin.rows if known else None,
                "metrics": _metrics(known),
                "promise": dict(known.promise) if known else None,
                "fingerprint": plain(known.fingerprint) if known else None,
                "variant": plain(known.variant) if known and known.variant else None,
            }
        )
    return rows


def _metrics(version: Version | None) -> Json | None:
    if version is None:
        return None
    return {("auc" if name == "roc_auc" else name): value for name, value in version.metrics.items()}
