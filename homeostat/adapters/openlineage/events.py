"""Decisions as events of the OpenLineage standard: what was read, what came of it, and how it went.

A training is a run of the job ``<loop>.train`` from when it is asked for to what its gate says; each change of a route
is a run of ``<loop>.route``. Ids come from the ledger's own, so that an event that is sent twice is known as one.
Source: https://openlineage.io/spec/2-0-2/OpenLineage.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from homeostat.data.tables import Table
from homeostat.governance.audit import Draft
from homeostat.kernel.clock import format_instant
from homeostat.registry.models import Version

Json = dict[str, Any]
NAMESPACE = "homeostat"
_SPEC = "https://openlineage.io/spec"
_BEGINS = ("bootstrap", "retrain", "quantise")
_ENDS = {"gate": "COMPLETE", "reject": "COMPLETE", "fail": "FAIL"}
_MOVES = ("canary", "advance", "promote", "rollback", "redeploy", "stand_down")


def event_of(
    draft: Draft, version: Version | None, tables: Mapping[str, Table], home: Path, producer: str
) -> Json | None:
    """The event of a decision; None for one that neither begins nor ends a training, nor moves a route.

    ``version`` is the one decided about, where its folder is here; ``tables`` are declared now, by name.
    """
    if draft.kind in _BEGINS:
        return _event("START", draft, _run(draft), "train", "TRAINING", producer)
    if draft.kind in _ENDS:
        read = [] if version is None else _tables(version, tables, home, producer)
        made = [] if version is None else [_model(version.loop, version.version, home, producer)]
        failed = _failed(draft, producer) if draft.kind == "fail" else {}
        ended = _event(_ENDS[draft.kind], draft, _run(draft), "train", "TRAINING", producer)
        return {**ended, "run": {**ended["run"], "facets": failed}, "inputs": read, "outputs": made}
    if draft.kind in _MOVES and draft.version is not None:
        route = {"namespace": NAMESPACE, "name": f"{draft.loop}/route", "facets": {}}
        moved = _event("COMPLETE", draft, draft.id, "route", "RELEASE", producer)
        return {**moved, "inputs": [_model(draft.loop, draft.version, home, producer)], "outputs": [route]}
    return None


def _event(kind: str, draft: Draft, run: str, job: str, of: str, producer: str) -> Json:
    named = _facet(producer, "2-0-4", "JobTypeJobFacet", processingType="BATCH", integration="HOMEOSTAT", jobType=of)
    return {
        "eventType": kind,
        "eventTime": format_instant(draft.at),
        "run": {"runId": str(uuid5(NAMESPACE_URL, f"homeostat:{run}")), "facets": {}},
        "job": {"namespace": NAMESPACE, "name": f"{draft.loop}.{job}", "facets": {"jobType": named}},
        "inputs": [],
        "outputs": [],
        "producer": producer,
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }


def _run(draft: Draft) -> str:
    """A training's own name: what begins it and what ends it have it in common."""
    return draft.id.rpartition("/")[0]


def _facet(producer: str, release: str, name: str, **values: object) -> Json:
    return {"_producer": producer, "_schemaURL": f"{_SPEC}/facets/{release}/{name}.json#/$defs/{name}", **values}


def _failed(draft: Draft, producer: str) -> Json:
    said = "; ".join(draft.reasons)
    told = _facet(producer, "1-0-1", "ErrorMessageRunFacet", message=said, programmingLanguage="python")
    return {"errorMessage": told}


def _tables(version: Version, tables: Mapping[str, Table], home: Path, producer: str) -> list[Json]:
    found = []
    for name, number in version.pin.table_versions.items():
        facets = {"version": _version(str(number), producer)}
        if name in tables:
            columns = [{"name": one, "type": column.kind} for one, column in tables[name].contract.items()]
            facets["schema"] = _facet(producer, "1-2-0", "SchemaDatasetFacet", fields=columns)
        found.append({"namespace": "file", "name": str(home / "tables" / name), "facets": facets})
    return found


def _model(loop: str, version: str, home: Path, producer: str) -> Json:
    return {
        "namespace": "file",
        "name": str(home / "versions" / loop),
        "facets": {"version": _version(version, producer)},
    }


def _version(text: str, producer: str) -> Json:
    return _facet(producer, "1-0-1", "DatasetVersionDatasetFacet", datasetVersion=text)
