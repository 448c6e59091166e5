"""Steps from pinned tables to the rows that are trained on and those that are held out.

What a step works with is imported when it works: a run of which everything is known waits for none of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeostat.app.pipeline.material import Material
from homeostat.app.provenance.variables import ReadsOfStep
from homeostat.kernel.errors import Refused
from homeostat.kernel.words import plural
from homeostat.registry.fingerprint import FEATURE_ENVIRONMENT, environment
from homeostat.registry.legs import RowsDigest
from homeostat.registry.manifest import read_manifest
from homeostat.registry.models import PinnedFeedback, TrainingPin
from homeostat.training.formats import PARTS, QUESTIONS, ROWS, VALUES, Values
from homeostat.training.jobs import TrainingJob
from homeostat.training.steps import Format, NoReads, Notes, Step

if TYPE_CHECKING:
    from homeostat.training.training_set import LabelledQuestions, LabelledRows

_RETRIES = 2
"""A table may be compacted while it is read."""


def row_steps(material: Material) -> list[Step]:
    """snapshot, validate, features, split: they give ``training``, what identifies it, ``held_out`` and the ``pin``."""
    return [_snapshot(material), _validate(material), _features(material), _split(material)]


def _snapshot(material: Material) -> Step:
    """Questions with the labels that had matured, as known at the pin."""
    job, loop = material.job, material.loop

    def work(notes: Notes) -> dict[str, Any]:
        from homeostat.training.training_set import labelled_questions

        notes.say(f"reading tables as of sequence {job.sequence}")
        _must_be_seen(material, notes)
        return {"questions": labelled_questions(loop.question, loop.label, material.sources)}

    decided_by = {
        **material.read_at(loop.question, loop.label.table, *material.reports),
        "label": [loop.label.condition, loop.label.matures, list(loop.label.classes)],
        "as_of": job.as_of,
        **material.drawn_by,
    }
    return Step("snapshot", work, {"questions": QUESTIONS}, decided_by=decided_by, retries=_RETRIES)


def _validate(material: Material) -> Step:
    """What the tables promise of whole batches."""
    job, loop = material.job, material.loop
    tables = [loop.question, loop.label.table, *(view.table for view in loop.feature_set.views), *material.reports]

    def work(notes: Notes) -> dict[str, Any]:
        from homeostat.app.tables.facts_check import check_facts

        check_facts(tables, job, material.sources, notes.warn)
        return {"validated": sorted({table.name for table in tables})}

    decided_by = {**material.read_at(*tables), "since": job.since}
    return Step("validate", work, {"validated": VALUES}, decided_by=decided_by, retries=_RETRIES)


def _features(material: Material) -> Step:
    """Each question's features from what was known when it was asked."""
    loop, reads = material.loop, ReadsOfStep(material.recording.reads)

    def work(notes: Notes, questions: LabelledQuestions) -> dict[str, Any]:
        from homeostat.training.training_set import LabelledRows, joined_features

        reads.begin()
        notes.say(
            f"joining {plural(len(loop.feature_set.names), 'feature')} to {plural(questions.label.size, 'question')}"
        )
        columns = joined_features(questions.asked, loop.feature_set, material.sources)
        if read := ", ".join(reads.names):
            notes.warn(
                f"features are computed with {read} of the environment, which where they are served may be another"
            )
        own = (questions.label, questions.asked_at, questions.sequence, questions.stands_for)
        return {"labelled": LabelledRows(columns, *own)}

    decided_by = {
        **material.read_at(*(view.table for view in loop.feature_set.views)),
        "features": loop.feature_set.hash,
        "environment": environment(FEATURE_ENVIRONMENT),
    }
    # a transform may use what was read when the loop file, a module or a helper of its own first ran
    read = material.turns_out["reads"] if loop.feature_set.transforms else NoReads()
    return Step("features", work, {"labelled": ROWS}, ("questions",), decided_by, retries=_RETRIES, reads=read)


def _split(material: Material) -> Step:
    """By time: what was asked before the cut-off is trained on, what was asked after both cut-offs is held out."""
    job = material.job
    held_out_from = held_from(job)

    def work(notes: Notes, labelled: LabelledRows) -> dict[str, Any]:
        from homeostat.training.checks import check_training_rows
        from homeostat.training.rowhash import digest_rows

        training = labelled.asked(job.since, job.cutoff)
        check_training_rows(material.rows(training), min_rows=job.min_rows)
        pin = _pin(material, training)
        held_out = labelled.asked(held_out_from).drawn()
        digest = digest_rows(material.rows(training))
        return {"training": training, "trained_on": digest, "held_out": held_out, "pin": pin}

    decided_by = {
        "since": job.since,
        "cutoff": job.cutoff,
        "held_out_from": held_out_from,
        "min_rows": job.min_rows,
        "pin": [dict(job.table_versions), job.sequence, job.as_of],
        "features": material.loop.feature_set.hash,
        **material.drawn_by,
    }
    gives: dict[str, Format] = {
        "training": PARTS,
        "trained_on": Values(RowsDigest.from_json),
        "held_out": PARTS,
        "pin": Values(TrainingPin.from_json),
    }
    return Step("split", work, gives, ("labelled",), decided_by)


def held_from(job: TrainingJob) -> int:
    """From when rows are held out: later than both training cut-offs."""
    if job.held_out_from is not None:
        return job.held_out_from
    if job.champion is None:
        return job.cutoff
    return max(job.cutoff, read_manifest(Path(job.champion)).pin.cutoff)


def _pin(material: Material, training: LabelledRows) -> TrainingPin:
    job = material.job
    return TrainingPin(
        table_versions=dict(sorted(job.table_versions.items())),
        sequence=job.sequence,
        since=job.since,
        cutoff=job.cutoff,
        as_of=job.as_of,
        rows=int(training.label.size),
        first=int(training.asked_at.min()),
        last=int(training.asked_at.max()),
        feature_hash=material.loop.feature_set.hash,
        feedback=_pinned_feedback(material, training),
    )


def _pinned_feedback(material: Material, rows: LabelledRows) -> PinnedFeedback | None:
    declared, log = material.loop.feedback, material.job.log_version
    if declared is None:
        return None
    shaped, table = material.sources.shaped, declared.reported
    return PinnedFeedback(
        log,
        declared.acts,
        declared.one_in,
        declared.weighted,
        int((rows.stands_for > 1).sum()),
        int(rows.stands_for.sum()),
        declared.chance,
        declared.drawn,
        None if table is None else table.name,
        None if table is None else (shaped.untold if shaped else 0),
    )


def _must_be_seen(material: Material, notes: Notes) -> None:
    """What is acted on and never left alone has no truth: no version could be judged on it. Nor could it on answers of
    which nobody tells whether they were acted on."""
    shaped, name = material.sources.shaped, material.loop.name
    if shaped is not None and shaped.unseen:
        raise Refused(
            f"Of what callers of {name!r} would act on nothing was left alone: no version can be judged on it.",
            mend="Declare hs.Feedback(explore='2%'), and let callers do what 'act' says, or draw and report.",
            loop=name,
        )
    if shaped is None or not shaped.untold:
        return
    if shaped.untold == shaped.due:
        raise Refused(
            f"Nobody has reported what callers of {name!r} did with any of {shaped.due:,} answers.",
            mend="Let them send a report of every answer to the table that hs.Feedback(reported=...) names.",
            loop=name,
        )
    notes.warn(
        f"of {shaped.untold:,} of {shaped.due:,} answers callers have not reported what they did: they are left out"
    )
