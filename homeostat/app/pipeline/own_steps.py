"""Steps that a loop adds: functions of the rows to train on, and reports on what a candidate answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeostat.app.pipeline.calling import called, own
from homeostat.app.pipeline.limits import within
from homeostat.app.pipeline.material import Material
from homeostat.kernel.canonical import canonical_json, keys_of_other_kinds
from homeostat.kernel.errors import Refused
from homeostat.kernel.words import plural
from homeostat.training.formats import CHOSEN, FILES
from homeostat.training.own_steps import OwnStep, Place
from homeostat.training.steps import Notes, Step

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from homeostat.training.evaluation import Evaluation
    from homeostat.training.rows import TrainingRows
    from homeostat.training.training_set import LabelledRows


def row_steps_of_ones_own(material: Material) -> tuple[list[Step], str]:
    """The steps after ``split``, each given what the one before returned, and the output that is trained on."""
    rows, found = "training", []
    for one in _after("split", material):
        found.append(_rows(material, one, rows))
        rows = one.name
    return found, rows


def reports_of_ones_own(material: Material) -> list[Step]:
    """The steps after ``evaluate``; each gives a file of the version's folder, ``<name>.json``."""
    return [_report(material, one) for one in _after("evaluate", material)]


def _after(place: Place, material: Material) -> list[OwnStep]:
    return [one for one in material.loop.steps if one.after == place]


def _rows(material: Material, one: OwnStep, takes: str) -> Step:
    loop = material.loop

    def work(notes: Notes, training: LabelledRows | TrainingRows) -> dict[str, Any]:
        from homeostat.training.checks import check_training_rows

        before = material.rows(training)
        given = {"rows": own(before), "config": dict(loop.config)}
        with within(one):
            after = called(material, one.described, one.function, loop.config, *(given[name] for name in one.takes))
        _must_be_rows(one, before, after)
        check_training_rows(after, min_rows=material.job.min_rows)
        notes.say(f"{one.name}: {after.label.size} of {plural(before.label.size, 'row')}")
        return {one.name: after}

    return _step(material, one, work, {one.name: CHOSEN}, (takes,))


def _report(material: Material, one: OwnStep) -> Step:
    loop, file = material.loop, f"{one.name}.json"

    def work(
        notes: Notes, held_out: LabelledRows, scores: NDArray[np.float64], evaluation: Evaluation
    ) -> dict[str, Any]:
        given = {
            "rows": own(material.rows(held_out)),
            "scores": scores.copy(),
            "config": dict(loop.config),
            "evaluation": evaluation.to_json(),
        }
        with within(one):
            told = called(material, one.described, one.function, loop.config, *(given[name] for name in one.takes))
        try:
            list(keys_of_other_kinds(told))
            return {one.name: {file: canonical_json(told)}}
        except (TypeError, ValueError) as error:
            raise Refused(
                f"What {one.described} returns cannot be kept: {error}.",
                mend="Return numbers, texts, booleans, None, and lists and dicts of them; no NaN.",
            ) from error

    return _step(material, one, work, {one.name: FILES}, ("held_out", "scores", "evaluation"))


def _step(material: Material, one: OwnStep, work: Any, gives: Any, takes: tuple[str, ...]) -> Step:
    decided_by = {"step": [one.after, *one.takes], **material.decided_by_code(config="config" in one.takes)}
    return Step(
        one.name, work, gives, takes, decided_by, retries=one.retries, passing=(Exception,), **material.turns_out
    )


def _must_be_rows(one: OwnStep, before: TrainingRows, after: Any) -> None:
    """What a model is trained on must have the form in which it is asked."""
    from homeostat.training.rows import TrainingRows

    if not isinstance(after, TrainingRows):
        what = f"a {type(after).__name__}"
    elif list(after.features.dtypes.items()) != list(before.features.dtypes.items()):
        what = "rows of other columns, or of columns of another kind"
    elif not (len(after.features) == len(after.label) == len(after.asked_at)):
        what = "features, labels and times of different lengths"
    else:
        return
    raise Refused(
        f"The {one.described} returned {what}.",
        mend="Return some of the rows, such as rows.where(condition). What a feature is, the loop's features say.",
        step=one.name,
    )
