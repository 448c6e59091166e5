"""What a version is made of, as its folder and the ledger say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from homeostat.app.lineage.decisions import shown
from homeostat.control.state import LoopState
from homeostat.governance.audit import Entry
from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import HomeostatError
from homeostat.registry.models import TrainingPin, Version
from homeostat.registry.recorded import read_legs

Json = dict[str, Any]


def version_of(found: Version | None, name: str, state: LoopState, entries: Sequence[Entry]) -> Json:
    """Its standing now and, while its folder is here, its fingerprint, training set, runtime and promise.

    Of one that was deleted they are what the ledger kept of it; ``deleted`` is that decision. ``judged`` says whether
    this very version is what the gate judged; null where the gate does not say.
    """
    standing = state.versions.get(name)
    own: Json = {"version": name, "state": standing.name if standing else None, "here": found is not None}
    if found is None:
        found, own["deleted"] = _deleted(name, entries)
    if found is None:
        return own
    return {
        **own,
        "created_at": format_instant(found.created_at),
        "fingerprint": plain(found.fingerprint),
        "manifest": digest(found.to_json()),
        "judged": _judged(found, entries),
        "training_set": pin_of(found.pin),
        "runtime": found.runtime,
        "form": None if found.form is None else plain(found.form),
        "variant": None if found.variant is None else plain(found.variant),
        "metrics": dict(found.metrics),
        "promise": dict(found.promise),
    }


def _deleted(name: str, entries: Sequence[Entry]) -> tuple[Version | None, Json | None]:
    """What a version was when it was deleted, and that decision."""
    told = next((one for one in reversed(entries) if (one.draft.kind, one.draft.version) == ("delete", name)), None)
    kept = None if told is None else told.draft.evidence.get("manifest")
    try:
        found = Version.from_json(kept) if isinstance(kept, Mapping) else None
    except (ValueError, TypeError, KeyError, AttributeError):  # of another release
        found = None
    return found, None if told is None else shown(told)


def code_of(folder: Path) -> Json | None:
    """From which commit its code was, whether that differed from it, and how many files took part.

    None where no release of today recorded it; outside of git there is no commit. A record that was changed is told.
    """
    try:
        code = read_legs(folder).code
    except HomeostatError as error:
        return {"problem": error.problem, "mend": error.mend}
    if code is None:
        return None
    tree = code.tree
    kept = {"commit": tree.commit if tree else None, "dirty": tree.dirty if tree else None}
    return {"problem": None, **kept, "function": code.function, "files": len(code.files)}


def pin_of(pin: TrainingPin) -> Json:
    """Which rows it was trained on, with instants as text."""
    return {
        "table_versions": dict(pin.table_versions),
        "sequence": pin.sequence,
        "since": _instant(pin.since),
        "cutoff": _instant(pin.cutoff),
        "as_of": _instant(pin.as_of),
        "rows": pin.rows,
        "first": _instant(pin.first),
        "last": _instant(pin.last),
        "feature_hash": pin.feature_hash,
    }


def _judged(found: Version, entries: Sequence[Entry]) -> bool | None:
    told = [
        one.draft.evidence["manifest"]
        for one in entries
        if one.draft.version == found.version and isinstance(one.draft.evidence.get("manifest"), str)
    ]
    return digest(found.to_json()) == told[-1] if told else None


def _instant(at: Instant | None) -> str | None:
    return None if at is None else format_instant(at)
