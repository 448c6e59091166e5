"""Steps of a trained model: the loop's function, and the form that serves, proven equal."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from homeostat.app.forms import choose_form, with_native
from homeostat.app.pipeline.material import Material, Trainable
from homeostat.kernel.errors import Refused
from homeostat.registry.fingerprint import config_hash
from homeostat.registry.models import Form
from homeostat.serving.runtimes import Runtime
from homeostat.training.formats import FILES, PASSING, VALUES, Values
from homeostat.training.jobs import JobFolder, TrainingFailed
from homeostat.training.rows import TrainingRows
from homeostat.training.steps import Format, Notes, Step
from homeostat.training.training_set import LabelledRows


def training_steps(material: Material) -> list[Step]:
    """train, convert: they give the ``form`` in which the model serves, files of the ``model``, and the ``config``."""
    return [_train(material), _convert(material)]


def _train(material: Material) -> Step:
    """What the loop's function makes of rows and config, and the code that turned out to take part."""
    loop, recording = material.loop, material.recording

    def work(notes: Notes, training: LabelledRows) -> dict[str, Any]:
        rows = material.rows(training)
        notes.say(f"training on {rows.label.size} rows of {len(loop.feature_set.names)} features")
        rows = rows.unweighted() if loop.feedback is not None and not loop.feedback.weighted else rows
        estimator = trained(loop, own(rows), loop.config, material.place)
        return {"estimator": estimator, "code": recording.code(), "config": dict(loop.config)}

    decided_by = {
        "code": recording.code_hash,
        "config": config_hash(loop.config),
        "environment": recording.environment.hash,
        "inputs": list(loop.feature_set.kinds.items()),
        **material.drawn_by,
    }
    gives: dict[str, Format] = {"estimator": PASSING, "code": FILES, "config": VALUES}
    return Step("train", work, gives, ("training",), decided_by, sources=recording.sources.hashes)


def _convert(material: Material) -> Step:
    """The form that serves: exported, proven equal to the estimator, and able to answer when nothing is known."""
    loop, job = material.loop, material.job

    def work(notes: Notes, estimator: Any, training: LabelledRows, held_out: LabelledRows) -> dict[str, Any]:
        notes.say("bringing it into the form that serves, and proving that equal")
        frames = [material.rows(rows).features for rows in (training, held_out)]
        served = choose_form(estimator, loop.feature_set.kinds, frames, job.version, loop.runtime)
        _must_answer_when_nothing_is_known(served.runtime, estimator)
        notes.say(f"served by {served.form.runtime}. {served.form.why}".rstrip())
        served = with_native(served, estimator, loop.feature_set.kinds, frames[1], job.version)
        return {"form": served.form, "model": served.files}

    decided_by = {"runtime": loop.runtime, "environment": material.recording.environment.hash}
    gives: dict[str, Format] = {"form": Values(Form.from_json), "model": FILES}
    return Step("convert", work, gives, ("estimator", "training", "held_out"), decided_by)


def own(rows: TrainingRows) -> TrainingRows:
    """A copy for a training function to do with as it likes: what it changes, nobody else sees."""
    return replace(
        rows, features=rows.features.copy(deep=False), label=rows.label.copy(), asked_at=rows.asked_at.copy()
    )


def trained(loop: Trainable, rows: TrainingRows, config: Mapping[str, Any], place: JobFolder) -> Any:
    """What the loop's function returns. Raises: TrainingFailed, naming the line, whatever it raises."""
    try:
        estimator = loop.train(rows, config)
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
    if rows.weights_ignored:
        raise Refused(
            f"train() of loop {loop.name!r} ignores rows.weight, but rows left alone by chance stand for others.",
            mend="Pass sample_weight=rows.weight to fit(), or declare hs.Feedback(weighted=False).",
            loop=loop.name,
        )
    return estimator


def _blamed(error: BaseException, train: Callable[..., Any]) -> traceback.FrameSummary:
    """The innermost frame in the file of ``train``; what it called there is seldom at fault."""
    frames = traceback.extract_tb(error.__traceback__)
    file = getattr(getattr(train, "__code__", None), "co_filename", "")
    return next((frame for frame in reversed(frames) if frame.filename == file), frames[-1])


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
