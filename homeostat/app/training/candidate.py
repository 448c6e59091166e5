"""Makes a candidate version from a job: runs its pipeline, and stages the version's folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.app.home import write_whole
from homeostat.app.pipeline.judging import judging_steps
from homeostat.app.pipeline.material import Material, Trainable
from homeostat.app.pipeline.outside import Outside
from homeostat.app.pipeline.own_steps import reports_of_ones_own
from homeostat.app.pipeline.papers import card_step
from homeostat.app.pipeline.rows import held_from, row_steps
from homeostat.app.pipeline.training import training_steps
from homeostat.app.provenance.recording import Recorded, Recording
from homeostat.app.provenance.variables import VariableReads
from homeostat.kernel.canonical import canonical_json
from homeostat.registry.manifest import CONFIG, STEPS, hash_files, read_manifest, write_manifest
from homeostat.registry.models import Version
from homeostat.training.evaluation import promise_of
from homeostat.training.formats import FILES
from homeostat.training.jobs import JobFolder, TrainingJob, TrainingResult
from homeostat.training.stepping import Run, Say, Watch
from homeostat.training.steps import Gauge, NoGauge, NothingKept, Step, StepRecord, StepStore

if TYPE_CHECKING:
    import pyarrow as pa

    from homeostat.features.offline import OfflineEngine
    from homeostat.training.shaped import ShapedQuestions
    from homeostat.training.training_set import ReadTable, ScanTable, Sources


def make_candidate(
    job: TrainingJob,
    loop: Trainable,
    place: JobFolder,
    *,
    read: ReadTable,
    say: Say,
    engine: Callable[[], OfflineEngine] | None = None,
    scan: ScanTable | None = None,
    served: Callable[[], pa.Table | None] = lambda: None,
    shaped: Callable[[], ShapedQuestions | None] = lambda: None,
    store: StepStore | None = None,
    gauge: Gauge | None = None,
    watch: Watch = lambda records: None,
    threads: int = 0,
    reads: VariableReads | None = None,
    outside: Outside | None = None,
) -> TrainingResult:
    """Make the model, evaluate and stage the version of ``job``; the artifact that is judged ships.

    ``served`` reads rows of the prediction log whose features are compared with what training computes for them,
    ``shaped`` are questions whose label a prediction has shaped.
    The loop's functions run on as many cores as ``threads``; 0: on all.
    What ``store`` knows from earlier runs is not done again; ``watch`` is shown the steps as they go. ``reads`` and
    ``outside`` have noted what the loop file took from where no version keeps it, and go on with that.
    Raises: Refused where the data, the estimator or the champion forbid it; TrainingFailed when ``train``
    raises; NotEnoughData when no row is left to judge on.
    """

    def reading() -> Sources:
        from homeostat.features.offline import InMemoryEngine
        from homeostat.training.training_set import Sources

        joins = InMemoryEngine() if engine is None else engine()
        return Sources(read, job.table_versions, job.sequence, job.as_of, joins, scan, shaped())

    recording = Recording.begun(job, loop, reads)
    material = Material(job, loop, place, reading, recording, served, threads, outside or Outside())
    run = Run(candidate_steps(material), store or NothingKept(), gauge or NoGauge(), watch, say)
    run.settle()
    legs = _legs(material, run)
    version = _stage(_version(material, run, legs), {**_files(run), **legs.files}, place)
    seen = run.value("evaluation")
    write_whole(place.evaluation, canonical_json(seen))
    say(f"staged {version.id}")
    proof = run.value("form").proof
    burdens = None if job.variant is None else run.value("burdens")
    dirty = None if legs.tree is None or legs.tree.commit is None else legs.tree.dirty
    return TrainingResult(version, seen, proof.rows, proof.worst, burdens, run.records, dirty)


def candidate_steps(material: Material) -> list[Step]:
    """Every step of one candidate, in order."""
    variant = material.job.variant
    if variant is not None:
        from homeostat.app.pipeline.variants import variant_steps

        return [*row_steps(material), *variant_steps(material, variant), *judging_steps(material), card_step(material)]
    making = [*row_steps(material), *training_steps(material), *judging_steps(material), card_step(material)]
    return [*making, *reports_of_ones_own(material)]


def _legs(material: Material, run: Run) -> Recorded:
    job = material.job
    of = None if job.variant is None else read_manifest(Path(str(job.source)))
    rows, config = run.value("trained_on"), run.value("config")
    made = run.value("code"), run.value("pin"), rows, held_from(job), config, of
    return material.recording.done(*made, run.variables)


def _version(material: Material, run: Run, legs: Recorded) -> Version:
    job, pin, form = material.job, run.value("pin"), run.value("form")
    promise = promise_of(run.value("evaluation"))
    metrics = {name: value for name, value in promise.items() if isinstance(value, float)}
    return Version(
        loop=job.loop,
        version=job.version,
        created_at=job.as_of,
        inputs=tuple(material.loop.feature_set.kinds.items()),
        fingerprint=legs.fingerprint,
        pin=pin,
        metrics={**metrics, "training_rows": float(pin.rows), "serving_difference": form.proof.worst},
        promise=promise,
        files={},
        definitions=material.loop.feature_set.definitions,
        form=form,
        variant=job.variant,
        task=run.value("evaluation").task,
    )


def _files(run: Run) -> dict[str, bytes]:
    """Every file that a step gave, and what is told of all steps."""
    given = [output for step in run.steps for output, format in step.gives.items() if format is FILES]
    return {
        **{name: content for output in given for name, content in run.value(output).items()},
        CONFIG: canonical_json(run.value("config")),
        STEPS: canonical_json(_lasting(run.records)),
    }


def _lasting(records: Sequence[StepRecord]) -> list[Mapping[str, object]]:
    return [record.lasting for record in records]


def _stage(version: Version, files: Mapping[str, bytes], place: JobFolder) -> Version:
    """Write the version's folder beside its place, then move it there whole."""
    part = place.root / f".version.{os.getpid()}.part"
    for old in (*place.root.glob(".version.*.part"), place.staged):
        shutil.rmtree(old, ignore_errors=True)
    part.mkdir()
    for name, content in files.items():
        write_whole(part / name, content)
    version = replace(version, files=hash_files(part))
    write_manifest(version, part)
    part.rename(place.staged)
    return version
