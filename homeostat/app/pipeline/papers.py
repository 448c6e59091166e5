"""The step that writes a candidate's papers: its figures with bounds, its card, and what MLflow's client reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from homeostat.adapters.mlflow.flavour import flavour_files
from homeostat.app.pipeline.material import Material, Trainable
from homeostat.data.profiles import ReferenceProfile
from homeostat.governance.cards import Subject, card_of
from homeostat.kernel.canonical import canonical_json, plain
from homeostat.kernel.words import plural
from homeostat.registry.manifest import CARD, METRICS, PROFILE
from homeostat.registry.models import Form, TrainingPin
from homeostat.stats.tasks import Multiclass, Regression, Task
from homeostat.training.evaluation import Evaluation, HeldOut
from homeostat.training.formats import FILES
from homeostat.training.steps import Format, Notes, Step

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from homeostat.monitoring.kept_slices import Slice
    from homeostat.training.training_set import LabelledRows

_TAKES = ("held_out", "scores", "evaluation", "form", "pin", "companions")


def card_step(material: Material) -> Step:
    """card: the ``papers`` of a version, from what the steps before it found."""
    loop = material.loop

    def work(
        notes: Notes,
        held_out: LabelledRows,
        scores: NDArray[np.float64],
        evaluation: Evaluation,
        form: Form,
        pin: TrainingPin,
        companions: dict[str, bytes],
    ) -> dict[str, Any]:
        from homeostat.monitoring.measured import measured_on, metrics_file
        from homeostat.training.training_set import local_days

        notes.say("writing its card")
        profile = ReferenceProfile.from_json(json.loads(companions[PROFILE]))
        rows = HeldOut(held_out.label, held_out.asked_at, local_days(held_out.asked_at, loop.timezone))
        measured = measured_on(
            rows,
            held_out.columns,
            scores,
            slices=slices_of(material),
            profiles=profile.features,
            threshold=loop.threshold,
            task=loop.task,
        )
        told = metrics_file(evaluation, form, measured)
        card = card_of(subject_of(material), pin, form, told)
        papers = {METRICS: canonical_json(told), CARD: card.encode()}
        return {"papers": {**papers, **flavour_files(loop.feature_set.kinds, material.job.as_of, loop.task)}}

    decided_by = {
        "subject": plain(subject_of(material)),
        "slices": plain(slices_of(material)),
        "threshold": loop.threshold,
        "task": loop.task.to_json(),
        "timezone": loop.timezone,
        "as_of": material.job.as_of,
        "mlflow": {name: content.decode() for name, content in flavour_files({}, 0).items()},
    }
    gives: dict[str, Format] = {"papers": FILES}
    return Step("card", work, gives, _TAKES, decided_by)


def slices_of(material: Material) -> tuple[Slice, ...]:
    """What the loop declares; else each text feature."""
    kinds = material.loop.feature_set.kinds
    return material.loop.sliced_by or tuple((name,) for name, kind in kinds.items() if kind == "text")


def subject_of(material: Material) -> Subject:
    """What the loop's file says of its model."""
    loop, job = material.loop, material.job
    return Subject(
        loop.name,
        job.version,
        loop.purpose,
        loop.owner,
        loop.question.name,
        _gives(loop.task, loop.label.condition),
        loop.task.loss_name,
        loop.label.matures,
        tuple(loop.feature_set.kinds.items()),
        promises_of(loop),
        job.variant,
        tuple(one.name for one in loop.steps if one.after == "split"),
    )


def promises_of(loop: Trainable) -> tuple[str, ...]:
    """What has to happen before a version of a loop serves, in words and in its order."""
    gate, rollout = loop.gate, loop.rollout
    shares = ", ".join(f"{share:.0%}" for share in rollout.steps)
    unit = "nats a row" if loop.task.error is None else "of what the best constant costs"
    committed = "; its code is that of a commit" if gate.clean_tree else ""
    by_gate = f"a person's answer within {gate.approval}, from another than the author of its code"
    by_rollout = {
        "inconclusive": "a person's answer, where the evidence of the rollout decides nothing",
        "always": "a person's answer, before it takes all traffic",
    }.get(rollout.ask)
    told = [
        f"a gate: skill over {loop.task.constant} above {gate.min_skill:g}, no worse than the champion by"
        f" {gate.margin:g} {unit}, on {plural(gate.min_days, 'day')} at least{committed}",
        by_gate if gate.approval else None,
        f"a rollout by steps of {shares} of the traffic, each proven on {plural(rollout.min_days, 'day')} at least",
        by_rollout,
        None if gate.approval or by_rollout else "no person's answer: the loop file asks nobody",
    ]
    return tuple(one for one in told if one is not None)


def _gives(task: Task, label: str) -> str:
    if isinstance(task, Multiclass):
        return f"a chance for each `{label}` ({', '.join(task.classes)})"
    if isinstance(task, Regression):
        return f"{'an estimate' if task.level is None else task.constant} of `{label}`"
    return f"the probability of `{label}`"
