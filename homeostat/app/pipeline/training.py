"""Steps of a trained model: the loop's function, and the form that serves, proven equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from homeostat.app.pipeline.calling import trained
from homeostat.app.pipeline.material import Material, Trainable
from homeostat.app.pipeline.own_steps import row_steps_of_ones_own
from homeostat.app.pipeline.repeating import repeating_steps
from homeostat.app.pipeline.searching import FOUND, search_steps
from homeostat.kernel.errors import Refused
from homeostat.kernel.words import plural
from homeostat.registry.models import Form
from homeostat.serving.runtimes import Runtime
from homeostat.training.formats import FILES, PASSING, VALUES, Values
from homeostat.training.steps import Format, Notes, Step

if TYPE_CHECKING:
    from homeostat.training.rows import TrainingRows
    from homeostat.training.training_set import LabelledRows


def training_steps(material: Material) -> list[Step]:
    """The user's own steps of rows, repeat, a search's trials, train, convert.

    They give the ``form`` in which the model serves, files of the ``model``, and the ``config``.
    """
    chosen, rows = row_steps_of_ones_own(material)
    searching = search_steps(material, rows)
    return [*chosen, *searching, *repeating_steps(material), _train(material, rows), _convert(material, rows)]


def _train(material: Material, rows: str) -> Step:
    """What the loop's function makes of rows and config, and the code that turned out to take part."""
    loop, recording = material.loop, material.recording

    def work(notes: Notes, training: LabelledRows | TrainingRows, *found: Mapping[str, Any]) -> dict[str, Any]:
        given = material.rows(training)
        config = {**loop.config, **{name: one[name] for one in found for name in _searched(loop)}}
        notes.say(f"training on {plural(given.label.size, 'row')} of {plural(len(loop.feature_set.names), 'feature')}")
        return {"estimator": trained(material, given, config), "code": recording.code(), "config": config}

    takes = (rows,) if loop.search is None else (rows, FOUND)
    gives: dict[str, Format] = {"estimator": PASSING, "code": FILES, "config": VALUES}
    return Step("train", work, gives, takes, material.decided_by_code(), **material.turns_out)


def _searched(loop: Trainable) -> Iterable[str]:
    """The keys whose values a search finds. All else is the loop's own: its keys deep within may be numbers."""
    return () if loop.search is None else loop.search.space


def _convert(material: Material, rows: str) -> Step:
    """The form that serves: exported, proven equal to the estimator, and able to answer when nothing is known."""
    loop, job = material.loop, material.job

    def work(
        notes: Notes, estimator: Any, training: LabelledRows | TrainingRows, held_out: LabelledRows
    ) -> dict[str, Any]:

        from homeostat.app.pipeline.forms import choose_form, with_native

        notes.say("bringing it into the form that serves, and proving that equal")
        frames = [material.rows(one).features for one in (training, held_out)]
        served = choose_form(estimator, loop.feature_set.kinds, frames, job.version, loop.runtime, loop.task)
        _must_answer_when_nothing_is_known(served.runtime, estimator)
        notes.say(f"served by {served.form.runtime}. {served.form.why}".rstrip())
        served = with_native(served, estimator, loop.feature_set.kinds, frames[1], job.version, loop.task)
        return {"form": served.form, "model": served.files}

    decided_by = {
        "runtime": loop.runtime,
        "task": loop.task.to_json(),
        "environment": material.recording.environment.hash,
    }
    gives: dict[str, Format] = {"form": Values(Form.from_json), "model": FILES}
    return Step("convert", work, gives, ("estimator", rows, "held_out"), decided_by)


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
