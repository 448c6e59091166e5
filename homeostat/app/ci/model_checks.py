"""Checks of a change that train: on a sample, twice, beside the champion, as a whole and by slice."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from homeostat.app.ci.material import CANDIDATE, Material
from homeostat.app.ci.pairs import Paired
from homeostat.app.gateway.consumers import Consumers
from homeostat.app.versions.runtimes import load_made, open_made
from homeostat.control.gates import Evidence, judge_by_itself, judge_served
from homeostat.governance.ci import (
    FAIL,
    NOT_APPLICABLE,
    PASS,
    UNKNOWN,
    Check,
    CiLimits,
    judge_champion,
    judge_reproducible,
    judge_size,
    judge_slices,
    of_verdict,
)
from homeostat.governance.consumers import refuse_breaking
from homeostat.kernel.errors import Refused
from homeostat.kernel.verdicts import REJECT, figure
from homeostat.kernel.words import plural
from homeostat.registry.binding import Binding, binding_of, judge_binding
from homeostat.registry.probes import PROBES, Probes
from homeostat.training.jobs import TrainingResult

TRAINED, AGAIN = "trained", ("once", "again")
_TIMED = 200
_NOBODY = "nothing serves yet that the change could be held against"


def trained(result: TrainingResult) -> Check:
    """Training on the sample made a version whose serving form is proven equal."""
    form = result.version.form
    served = "onnx" if form is None else form.runtime
    told = (
        f"{plural(result.version.pin.rows, 'row')} trained on; served by {served}, which differs by at most"
        f" {figure(result.proof_worst)} on {plural(result.proof_rows, 'row')}"
    )
    warned = tuple(f"{one.name}: {text}" for one in result.steps for text in one.warnings)
    facts = {"rows": result.version.pin.rows, "runtime": served, "proof_worst": result.proof_worst}
    return Check("training", PASS, (told, *warned), {**facts, "warnings": list(warned)})


def reproducible(material: Material, rows: int) -> Check:
    """Two trainings on the same rows give the same model."""
    first, second = (material.train(name, rows, judged=False) for name in AGAIN)
    form = first.version.form
    name = "model.onnx" if form is None else form.model
    same = first.version.files[name] == second.version.files[name]
    worst = None if same else _apart(material)
    return judge_reproducible(same, worst, first.version.pin.rows)


def _apart(material: Material) -> float | None:
    answers = []
    for name in AGAIN:
        made = open_made(material.staged(name), material.loop.name, CANDIDATE)
        answers.append(Probes.read(made.read(PROBES)))
    first, second = answers
    if len(first.probabilities) != len(second.probabilities) or not first.probabilities:
        return None
    return first.worst(second.probabilities)


def quality(material: Material, result: TrainingResult) -> Check:
    """Better than the best constant answer on later rows, as the gate asks; it is proven where no champion vouches."""
    seen = result.evaluation
    told = {"log_loss": seen.candidate.log_loss, "roc_auc": seen.candidate.roc_auc, "rows": seen.rows}
    figures = told if seen.task is None else {"rows": seen.rows, **seen.candidate.others}
    beside = None if material.champion is None else material.champion.version
    alone = Evidence("the change", beside, seen.candidate.skill, None, task=seen.task, telling=seen.telling)
    return of_verdict("quality", judge_by_itself(alone, material.loop.gate), **figures)


def champion(material: Material, paired: Paired | None, limits: CiLimits) -> Check:
    """No worse than the champion on the same later rows.

    Rows that the champion was trained on are kind to it: passing there proves, failing proves nothing.
    """
    if paired is None:
        return Check("champion", NOT_APPLICABLE, (_NOBODY,))
    gate = material.loop.gate
    difference = None if paired.same else paired.difference(gate.confidence)
    found = judge_champion(difference, gate.margin, limits, same=paired.same, loss=material.loop.task.loss_name)
    return found if paired.unseen else _kind(found, gate.min_days)


def slices(material: Material, paired: Paired | None) -> Check:
    """No declared slice is proven worse than under the champion."""
    loop = material.loop
    if not loop.sliced_by:
        return Check("slices", NOT_APPLICABLE, (f"loop {loop.name!r} declares no slices",))
    if paired is None:
        return Check("slices", NOT_APPLICABLE, (_NOBODY,))
    found = judge_slices(paired.by_slice(loop.gate.confidence), loop.gate.margin, loop.task.loss_name)
    return found if paired.unseen else _kind(found, loop.gate.min_days)


def _kind(found: Check, days: int) -> Check:
    told = f"the champion was trained on these rows itself: fewer than {days} days are later"
    return replace(found, outcome=UNKNOWN if found.outcome == FAIL else found.outcome, reasons=(*found.reasons, told))


def skew(material: Material, result: TrainingResult) -> Check:
    """Features as the change computes them are those that serving logs now."""
    if material.champion is None:
        return Check("skew", NOT_APPLICABLE, (_NOBODY,))
    seen = result.evaluation.served
    if seen is None:
        text = f"no row served in the last {material.loop.gate.served} has features that can be compared"
        return Check("skew", UNKNOWN, (f"{text}; where nothing is served yet, --allow-unknown skew lets that be",))
    return of_verdict("skew", judge_served(seen, material.loop.gate), rows=seen.rows)


def signature(material: Material) -> Check:
    """What live versions are given, and what consumers rely on, stays."""
    loop, champion, wrong = material.loop, material.champion, list[str]()
    if material.home.control_db.exists():
        try:
            refuse_breaking(Consumers.open(material.home).store.list(), {loop.name: loop.output_contract})
        except Refused as error:
            wrong.append(error.problem)
    if champion is None:
        told = (f"{len(loop.feature_set.names)} features; nothing serves yet that a change could break",)
        return Check("signature", FAIL if wrong else PASS, tuple(wrong) or told)
    found = judge_binding(binding_of(champion), Binding.of(loop.feature_set))
    if found.name == REJECT:
        wrong += [f"{champion.version}, which serves, could not be fed any more: {text}" for text in found.texts]
    return Check("signature", FAIL if wrong else PASS, tuple(wrong) or (_changed(material),))


def _changed(material: Material) -> str:
    assert material.champion is not None
    before, after = dict(material.champion.inputs), material.loop.feature_set.kinds
    added, gone = [name for name in after if name not in before], [name for name in before if name not in after]
    parts = [f"adds {', '.join(added)}"] * bool(added) + [f"drops {', '.join(gone)}"] * bool(gone)
    return f"{material.champion.version} can still be fed; the change {' and '.join(parts) or 'keeps every feature'}"


def size(material: Material, result: TrainingResult, limits: CiLimits) -> Check:
    """The model is no larger and no slower than allowed."""
    folder = material.staged(TRAINED)
    form = result.version.form
    runtime = load_made(folder, material.loop.name, CANDIDATE)
    row = {name: [None] for name, _ in runtime.inputs}
    taken = []
    for _ in range(_TIMED):
        began = time.perf_counter()
        runtime.predict(row)
        taken.append(time.perf_counter() - began)
    model = folder / ("model.onnx" if form is None else form.model)
    return judge_size(model.stat().st_size, float(np.median(taken)), limits)
