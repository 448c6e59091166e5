"""Makes a candidate version from a job: rows, checks, training, its form, paired evaluation, a staged folder."""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from homeostat.app.facts_check import check_facts
from homeostat.app.forms import choose_form
from homeostat.app.home import write_whole
from homeostat.app.runtimes import load_runtime
from homeostat.data.labels import Label
from homeostat.data.profiles import ReferenceProfile
from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.features.offline import InMemoryEngine, OfflineEngine
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import Refused
from homeostat.kernel.verdicts import ACCEPT
from homeostat.registry.binding import Binding, judge_binding
from homeostat.registry.fingerprint import environment, fingerprint
from homeostat.registry.manifest import CONFIG, PROFILE, hash_files, read_manifest, write_manifest
from homeostat.registry.models import Fingerprint, Form, TrainingPin, Version
from homeostat.registry.probes import PROBES, Probes
from homeostat.serving.runtimes import Runtime
from homeostat.training.checks import check_training_rows
from homeostat.training.evaluation import Evaluation, HeldOut, evaluate, promise_of
from homeostat.training.jobs import JobFolder, TrainingFailed, TrainingJob, TrainingResult
from homeostat.training.proof import scores_of
from homeostat.training.rows import TrainingRows, model_frame
from homeostat.training.served import compare_served
from homeostat.training.training_set import LabelledRows, ReadTable, ScanTable, Sources, labelled_rows, local_days

ENVIRONMENT = "environment.json"
Say = Callable[[str], None]


class Trainable(Protocol):
    """What training needs of a loop."""

    @property
    def name(self) -> str: ...
    @property
    def question(self) -> Table: ...
    @property
    def feature_set(self) -> FeatureSet: ...
    @property
    def label(self) -> Label: ...
    @property
    def train(self) -> Callable[[Any, Mapping[str, Any]], Any]: ...
    @property
    def config(self) -> Mapping[str, Any]: ...
    @property
    def timezone(self) -> str: ...
    @property
    def runtime(self) -> str: ...


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
    """Train, prove what will serve, evaluate and stage the version of ``job``; the artifact that is judged ships.

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
    marks = _legs(job, loop, rows)
    say(f"training on {rows.label.size} rows of {len(loop.feature_set.names)} features")
    estimator = _train(loop, rows, place)
    later = labelled.asked(_held_out_from(job))
    say("bringing it into the form that serves, and proving that equal")
    kinds = loop.feature_set.kinds
    frames = [rows.features, model_frame(later.columns, kinds)]
    made = choose_form(estimator, kinds, frames, job.version, loop.runtime)
    _must_answer_when_nothing_is_known(made.runtime, estimator)
    say(f"served by {made.form.runtime}. {made.form.why}".rstrip())
    say(f"evaluating on {later.label.size} held-out rows")
    scores = scores_of(made.runtime.predict, frames[1])
    champion = None if job.champion is None else _champion_scores(Path(job.champion), loop, later)
    seen = evaluate(_held_out(later, loop.timezone), (job.version, scores), champion, confidence=job.confidence)
    if served is not None:
        seen = replace(seen, served=compare_served(loop.question, loop.feature_set, served, sources))
    profile = ReferenceProfile.of(kinds, chosen.columns, scores)
    version = _version(job, loop, marks, seen, made.form)
    probes = Probes.of({name: frames[1][name].tolist() for name in kinds}, scores.tolist())
    files = {
        **made.files,
        PROFILE: canonical_json(profile.to_json()),
        CONFIG: canonical_json(loop.config),
        PROBES: probes.written(),
    }
    version = _stage(version, files, place)
    write_whole(place.evaluation, canonical_json(seen))
    say(f"staged {version.id}")
    return TrainingResult(version, seen, made.form.proof.rows, made.form.proof.worst)


def _train(loop: Trainable, rows: TrainingRows, place: JobFolder) -> Any:
    try:
        return loop.train(rows, loop.config)
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        where = _blamed(error, loop.train)
        raise TrainingFailed(
            f"train() of loop {loop.name!r} raised {type(error).__name__}: {error}",
            mend=f"Mend the function; its traceback is at the end of {place.log}.",
            file=where.filename,
            line=where.lineno,
            log=str(place.log),
        ) from error


def _blamed(error: BaseException, train: Callable[..., Any]) -> traceback.FrameSummary:
    """The innermost frame in the file of ``train``; what it called there is seldom at fault."""
    frames = traceback.extract_tb(error.__traceback__)
    file = getattr(getattr(train, "__code__", None), "co_filename", "")
    return next((frame for frame in reversed(frames) if frame.filename == file), frames[-1])


def _legs(job: TrainingJob, loop: Trainable, rows: TrainingRows) -> tuple[TrainingPin, Fingerprint]:
    pin = TrainingPin(
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
    return pin, fingerprint(loop_file=Path(job.loop_file), train=loop.train, config=loop.config, pin=pin)


def _held_out_from(job: TrainingJob) -> int:
    """Rows later than both training cut-offs."""
    if job.champion is None:
        return job.cutoff
    return max(job.cutoff, read_manifest(Path(job.champion)).pin.cutoff)


def _held_out(later: LabelledRows, timezone: str) -> HeldOut:
    return HeldOut(later.label, later.asked_at, local_days(later.asked_at, timezone))


def _must_answer_when_nothing_is_known(runtime: Runtime, estimator: Any) -> None:
    """Serving warms a version with such a row, and refuses one that fails on it: then nobody could be routed to it."""
    try:
        runtime.predict({name: [None] for name, _ in runtime.inputs})
    except Exception as error:
        raise Refused(
            f"The model of {type(estimator).__name__} fails on a row in which every feature is missing.",
            mend="Let the pipeline take missing values: SimpleImputer for numbers, an encoder that knows or ignores "
            '"" for texts.',
            error=str(error)[:300],
        ) from error


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
    return champion.version, scores_of(load_runtime(folder, champion.version).predict, frame)


def _version(
    job: TrainingJob,
    loop: Trainable,
    marks: tuple[TrainingPin, Fingerprint],
    seen: Evaluation,
    form: Form,
) -> Version:
    promise = promise_of(seen)
    metrics = {name: value for name, value in promise.items() if isinstance(value, float)}
    return Version(
        loop=job.loop,
        version=job.version,
        created_at=job.as_of,
        inputs=tuple(loop.feature_set.kinds.items()),
        fingerprint=marks[1],
        pin=marks[0],
        metrics={**metrics, "training_rows": float(marks[0].rows), "serving_difference": form.proof.worst},
        promise=promise,
        files={},
        definitions=loop.feature_set.definitions,
        form=form,
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
