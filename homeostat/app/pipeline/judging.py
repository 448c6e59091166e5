"""Steps that measure a candidate: beside what serving produces, beside the champion, and by its distributions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeostat.app.pipeline.material import Material
from homeostat.app.provenance.environments import environment_of_children
from homeostat.app.versions.runtimes import load_runtime
from homeostat.data.daily import DailyCounts
from homeostat.data.daily import Rows as DailyRows
from homeostat.data.profiles import PREDICTION, ReferenceProfile
from homeostat.kernel.canonical import canonical_json, digest
from homeostat.kernel.errors import Refused
from homeostat.kernel.verdicts import ACCEPT
from homeostat.kernel.words import plural
from homeostat.registry.binding import Binding, binding_of, judge_binding
from homeostat.registry.fingerprint import FEATURE_ENVIRONMENT, environment
from homeostat.registry.manifest import DAILY, PROFILE, read_manifest
from homeostat.registry.models import Form
from homeostat.registry.probes import PROBES, Probes
from homeostat.stats.tasks import SUSPICIOUS
from homeostat.training.comparison import ServedComparison
from homeostat.training.evaluation import Evaluation, HeldOut, evaluate
from homeostat.training.formats import FILES, SCORES, Values
from homeostat.training.steps import Format, Notes, Step

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from homeostat.training.telling import Predict
    from homeostat.training.training_set import LabelledRows


def judging_steps(material: Material) -> list[Step]:
    """compare, evaluate, profile: they give the ``evaluation`` and what lies beside the model, ``companions``."""
    return [_compare(material), _evaluate(material), _profile(material)]


def _compare(material: Material) -> Step:
    """What was served lately beside what training computes for the very same rows."""
    job, loop = material.job, material.loop

    def work(notes: Notes) -> dict[str, Any]:
        from homeostat.training.served import compare_served

        served = material.served()
        found = None
        if served is not None:
            found = compare_served(loop.question, loop.feature_set, served, material.sources)
        return {"compared": found}

    tables = {table.name: table for table in (loop.question, *(view.table for view in loop.feature_set.views))}
    decided_by = {
        **material.read_at(*tables.values()),
        "features": loop.feature_set.hash,
        "log": [job.log_version, job.served_since],
        "environment": environment(FEATURE_ENVIRONMENT),
    }
    return Step("compare", work, {"compared": Values(ServedComparison.from_json)}, decided_by=decided_by)


def _evaluate(material: Material) -> Step:
    """The form that ships, and the champion, on the same held-out rows."""
    job, loop = material.job, material.loop

    def work(
        notes: Notes, form: Form, model: dict[str, bytes], held_out: LabelledRows, compared: ServedComparison | None
    ) -> dict[str, Any]:
        from homeostat.app.pipeline.forms import load_form
        from homeostat.training.proof import scores_of

        notes.say(f"evaluating on {plural(held_out.label.size, 'held-out row')}")
        frame = material.rows(held_out).features
        runtime = load_form(form, model, job.version, tuple(loop.feature_set.kinds.items()), loop.task)
        scores = scores_of(runtime.predict, frame)
        champion = None if job.champion is None else _champion_scores(material, Path(job.champion), held_out)
        later = _held_out(held_out, loop.timezone)
        seen = evaluate(later, (job.version, scores), champion, confidence=job.confidence, task=loop.task)
        telling = telling_of(held_out, seen, runtime.predict)
        for warning in odd_answers(scores, seen, telling):
            notes.warn(warning)
        return {"scores": scores, "evaluation": replace(seen, served=compared, telling=telling)}

    decided_by = {
        "version": job.version,
        "champion": None if job.champion is None else digest(read_manifest(Path(job.champion)).to_json()),
        "confidence": job.confidence,
        "task": loop.task.to_json(),
        "timezone": loop.timezone,
        "inputs": list(loop.feature_set.kinds.items()),
        "environment": environment_of_children(),
    }
    gives: dict[str, Format] = {"scores": SCORES, "evaluation": Values(Evaluation.from_json)}
    return Step("evaluate", work, gives, ("form", "model", "held_out", "compared"), decided_by)


def telling_of(held_out: LabelledRows, seen: Evaluation, predict: Predict) -> tuple[str, ...]:
    """Features that tell the labels apart by themselves, where the skill is suspiciously high: likely the answer."""
    from homeostat.training.telling import telling_features

    skill = seen.candidate.skill
    return tuple(telling_features(held_out, predict)) if skill is not None and skill.value > SUSPICIOUS else ()


def odd_answers(scores: NDArray[np.float64], seen: Evaluation, telling: tuple[str, ...]) -> list[str]:
    """What a person should know before believing in figures: nothing was learnt, or more than there was to learn."""
    if scores.size and bool((scores == scores[0]).all()):
        same = f"{scores[0]:.4g}" if scores.ndim == 1 else "the same"
        return [f"the model answers {same} to every one of {plural(len(scores), 'held-out row')}: it learnt nothing"]
    skill = seen.candidate.skill
    if skill is None or skill.value <= SUSPICIOUS:
        return []
    named = f"; {', '.join(telling)} alone tells the labels apart" if telling else ""
    return [f"a skill of {skill.value:.3f} is too good to be true unless the answer is among the features{named}"]


def _profile(material: Material) -> Step:
    """The training distribution, also by day, and recorded rows with what the candidate answers to them."""
    loop = material.loop
    kinds = loop.feature_set.kinds

    def work(
        notes: Notes, training: LabelledRows, held_out: LabelledRows, scores: NDArray[np.float64]
    ) -> dict[str, Any]:
        training, predicted = training.drawn(), loop.task.watched(scores)
        profile = ReferenceProfile.of(kinds, training.columns, predicted)
        daily = _daily(profile, training, held_out, predicted, loop.timezone)
        frame = material.rows(held_out).features
        probes = Probes.of({name: frame[name].tolist() for name in kinds}, scores.tolist())
        companions = {
            PROFILE: canonical_json(profile.to_json()),
            DAILY: canonical_json(daily.to_json()),
            PROBES: probes.written(),
        }
        return {"companions": companions}

    decided_by = {"inputs": list(kinds.items()), "timezone": loop.timezone, "task": loop.task.to_json()}
    return Step("profile", work, {"companions": FILES}, ("training", "held_out", "scores"), decided_by)


def _daily(
    profile: ReferenceProfile, training: LabelledRows, later: LabelledRows, scores: NDArray[Any], timezone: str
) -> DailyCounts:
    """The very rows of the profile, by the day they were asked."""
    from homeostat.training.training_set import local_days

    inputs = DailyRows(training.columns, local_days(training.asked_at, timezone))
    return DailyCounts.of(profile, inputs, DailyRows({PREDICTION: scores}, local_days(later.asked_at, timezone)))


def _held_out(later: LabelledRows, timezone: str) -> HeldOut:
    from homeostat.training.training_set import local_days

    return HeldOut(later.label, later.asked_at, local_days(later.asked_at, timezone))


def _champion_scores(material: Material, folder: Path, later: LabelledRows) -> tuple[str, NDArray[np.float64]]:
    champion = read_manifest(folder)
    found = judge_binding(binding_of(champion), Binding.of(material.loop.feature_set))
    if found.name != ACCEPT:
        raise Refused(
            f"Champion {champion.id} cannot be compared with on these features: {'; '.join(found.texts)}.",
            mend="Restart Homeostat with this loop file, or put the definitions back.",
            definitions=list(found.texts),
        )
    from homeostat.training.proof import scores_of
    from homeostat.training.rows import model_frame

    frame = model_frame(later.columns, dict(champion.inputs))
    return champion.version, scores_of(load_runtime(folder, champion.loop, champion.version).predict, frame)
