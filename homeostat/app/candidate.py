"""Makes a candidate version from a job: rows, checks, its model, paired evaluation, a staged folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.app.facts_check import check_facts
from homeostat.app.home import write_whole
from homeostat.app.making import Made, Say, Trainable, training
from homeostat.app.runtimes import load_runtime
from homeostat.app.variants import quantising
from homeostat.data.daily import DailyCounts, Rows
from homeostat.data.profiles import PREDICTION, ReferenceProfile
from homeostat.features.offline import InMemoryEngine, OfflineEngine
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import Refused
from homeostat.kernel.verdicts import ACCEPT
from homeostat.registry.binding import Binding, judge_binding
from homeostat.registry.fingerprint import environment
from homeostat.registry.manifest import CONFIG, DAILY, PROFILE, hash_files, read_manifest, write_manifest
from homeostat.registry.models import TrainingPin, Version
from homeostat.registry.probes import PROBES, Probes
from homeostat.training.checks import check_training_rows
from homeostat.training.evaluation import Evaluation, HeldOut, evaluate, promise_of
from homeostat.training.jobs import JobFolder, TrainingJob, TrainingResult
from homeostat.training.proof import scores_of
from homeostat.training.rows import TrainingRows, model_frame
from homeostat.training.served import compare_served
from homeostat.training.training_set import LabelledRows, ReadTable, ScanTable, Sources, labelled_rows, local_days

ENVIRONMENT = "environment.json"


def make_candidate(
    job: TrainingJob,
    loop: Trainable,
    place: JobFolder,
    *,
    read: ReadTable,
    say: Say,
    engine: OfflineEngine | None = None,
    scan: ScanTable | None = None,
    served: pa.Table | None = None,
) -> TrainingResult:
    """Make the model, evaluate and stage the version of ``job``; the artifact that is judged ships.

    ``served`` are rows of the prediction log whose features are compared with what training computes for them.
    Raises: Refused where the data, the estimator or the champion forbid it; TrainingFailed when ``train``
    raises; NotEnoughData when no row is left to judge on.
    """
    say(f"reading tables as of sequence {job.sequence}")
    sources = Sources(read, job.table_versions, job.sequence, job.as_of, engine or InMemoryEngine(), scan)
    labelled = labelled_rows(loop.question, loop.feature_set, loop.label, sources)
    chosen = labelled.asked(job.since, job.cutoff)
    rows = chosen.rows(loop.feature_set)
    check_facts([loop.question, loop.label.table, *(view.table for view in loop.feature_set.views)], job, sources, say)
    check_training_rows(rows, min_rows=job.min_rows)
    pin = _pin(job, loop, rows)
    later = labelled.asked(_held_out_from(job))
    kinds = loop.feature_set.kinds
    frame = model_frame(later.columns, kinds)
    make = training(job, loop, place, say) if job.variant is None else quantising(job, job.variant, loop, say)
    made = make(rows, frame, pin)
    say(f"evaluating on {later.label.size} held-out rows")
    scores = scores_of(made.served.runtime.predict, frame)
    champion = None if job.champion is None else _champion_scores(Path(job.champion), loop, later)
    seen = evaluate(_held_out(later, loop.timezone), (job.version, scores), champion, confidence=job.confidence)
    if served is not None:
        seen = replace(seen, served=compare_served(loop.question, loop.feature_set, served, sources))
    profile = ReferenceProfile.of(kinds, chosen.columns, scores)
    daily = _daily(profile, chosen, later, scores, loop.timezone)
    version = _version(job, loop, pin, made, seen)
    probes = Probes.of({name: frame[name].tolist() for name in kinds}, scores.tolist())
    files = {
        **made.served.files,
        PROFILE: canonical_json(profile.to_json()),
        DAILY: canonical_json(daily.to_json()),
        CONFIG: made.config,
        PROBES: probes.written(),
    }
    version = _stage(version, files, place)
    write_whole(place.evaluation, canonical_json(seen))
    say(f"staged {version.id}")
    proof = made.served.form.proof
    return TrainingResult(version, seen, proof.rows, proof.worst, made.burdens)


def _pin(job: TrainingJob, loop: Trainable, rows: TrainingRows) -> TrainingPin:
    return TrainingPin(
        table_versions=dict(sorted(job.table_versions.items())),
        sequence=job.sequence,
        since=job.since,
        cutoff=job.cutoff,
        as_of=job.as_of,
        rows=int(rows.label.size),
        first=int(rows.asked_at.min()),
        last=int(rows.asked_at.max()),
        feature_hash=loop.feature_set.hash,
    )


def _daily(
    profile: ReferenceProfile, chosen: LabelledRows, later: LabelledRows, scores: NDArray[np.float64], timezone: str
) -> DailyCounts:
    """The very rows of the profile, by the day they were asked."""
    inputs = Rows(chosen.columns, local_days(chosen.asked_at, timezone))
    return DailyCounts.of(profile, inputs, Rows({PREDICTION: scores}, local_days(later.asked_at, timezone)))


def _held_out_from(job: TrainingJob) -> int:
    """Rows later than both training cut-offs."""
    if job.champion is None:
        return job.cutoff
    return max(job.cutoff, read_manifest(Path(job.champion)).pin.cutoff)


def _held_out(later: LabelledRows, timezone: str) -> HeldOut:
    return HeldOut(later.label, later.asked_at, local_days(later.asked_at, timezone))


def _champion_scores(folder: Path, loop: Trainable, later: LabelledRows) -> tuple[str, NDArray[np.float64]]:
    champion = read_manifest(folder)
    found = judge_binding(champion.binding, Binding.of(loop.feature_set))
    if found.name != ACCEPT:
        raise Refused(
            f"Champion {champion.id} cannot be compared with on these features: {'; '.join(found.texts)}.",
            mend="Restart Homeostat with this loop file, or put the definitions back.",
            definitions=list(found.texts),
        )
    frame = model_frame(later.columns, dict(champion.inputs))
    return champion.version, scores_of(load_runtime(folder, champion.loop, champion.version).predict, frame)


def _version(job: TrainingJob, loop: Trainable, pin: TrainingPin, made: Made, seen: Evaluation) -> Version:
    promise = promise_of(seen)
    metrics = {name: value for name, value in promise.items() if isinstance(value, float)}
    form = made.served.form
    return Version(
        loop=job.loop,
        version=job.version,
        created_at=job.as_of,
        inputs=tuple(loop.feature_set.kinds.items()),
        fingerprint=made.fingerprint,
        pin=pin,
        metrics={**metrics, "training_rows": float(pin.rows), "serving_difference": form.proof.worst},
        promise=promise,
        files={},
        definitions=loop.feature_set.definitions,
        form=form,
        variant=job.variant,
    )


def _stage(version: Version, files: Mapping[str, bytes], place: JobFolder) -> Version:
    """Write the version's folder beside its place, then move it there whole."""
    part = place.root / f".version.{os.getpid()}.part"
    for old in (*place.root.glob(".version.*.part"), place.staged):
        shutil.rmtree(old, ignore_errors=True)
    part.mkdir()
    for name, content in {**files, ENVIRONMENT: canonical_json(environment())}.items():
        write_whole(part / name, content)
    version = replace(version, files=hash_files(part))
    write_manifest(version, part)
    part.rename(place.staged)
    return version
