"""Steps of a search for a better config: every trial is a step, so that a search that was cut off goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from homeostat.app.pipeline.calling import to_train_on, trained
from homeostat.app.pipeline.material import Material
from homeostat.data.expressions import places_of
from homeostat.kernel.canonical import canonical_json, plain
from homeostat.kernel.errors import HomeostatError, Refused
from homeostat.registry.fingerprint import config_hash
from homeostat.training.formats import FILES, VALUES, Values
from homeostat.training.search import Search, Trial, best
from homeostat.training.steps import Format, Notes, Step

if TYPE_CHECKING:
    from homeostat.training.rows import TrainingRows
    from homeostat.training.training_set import LabelledRows

FOUND, SEARCHED = "found", "searched"
SEARCH_FILE = "search.json"
_TRIAL = Values(lambda told: Trial(**told))


def search_steps(material: Material, rows: str) -> list[Step]:
    """trial_1, trial_2, ..., search: they give the config that was ``found``, and the file that tells of all trials."""
    search = material.loop.search
    if search is None:
        return []
    trials = [_trial(material, search, rows, number) for number in range(search.trials)]
    return [*trials, _search(material, search)]


def _trial(material: Material, search: Search, rows: str, number: int) -> Step:
    """One config, trained on the earlier part of the rows and judged on the later one."""
    loop = material.loop

    def work(notes: Notes, training: LabelledRows | TrainingRows, *tried: Trial) -> dict[str, Any]:
        from homeostat.adapters.optuna.propose import propose

        values = dict((None if tried else search.own(loop.config)) or propose(search, tried))
        earlier, later = parted(material.rows(training), search.later)
        try:
            estimator = trained(material, earlier, {**loop.config, **values})
            found = Trial(values, _loss(material, search, estimator, later))
        except HomeostatError as error:
            found = Trial(values, None, error.problem)
        notes.say(f"trial {number + 1} of {search.trials}: {_told(found)}")
        return {_name(number): found}

    decided_by = {"search": search.meaning, **material.decided_by_code()}
    takes = (rows, *(_name(earlier) for earlier in range(number)))
    gives: dict[str, Format] = {_name(number): _TRIAL}
    return Step(_name(number), work, gives, takes, decided_by, **material.turns_out)


def _search(material: Material, search: Search) -> Step:
    """The config of the least loss, and what every trial came to."""
    loop = material.loop

    def work(notes: Notes, *tried: Trial) -> dict[str, Any]:
        chosen = best(tried)
        config = {**loop.config, **chosen.values}
        notes.say(f"found {_told(chosen)}")
        told = {**search.meaning, "trials": plain(tried), "found": plain(chosen.values)}
        return {FOUND: config, SEARCHED: {SEARCH_FILE: canonical_json(told)}}

    takes = tuple(_name(number) for number in range(search.trials))
    decided_by = {"config": config_hash(loop.config), "search": search.meaning}
    gives: dict[str, Format] = {FOUND: VALUES, SEARCHED: FILES}
    return Step("search", work, gives, takes, decided_by)


def parted(rows: TrainingRows, later: float) -> tuple[TrainingRows, TrainingRows]:
    """By time: the latest share of the rows, and what was asked before all of them. Raises: Refused without either."""
    cut = np.sort(rows.asked_at)[int(rows.asked_at.size * (1 - later))]
    earlier = rows.asked_at < cut
    if not earlier.any():
        raise Refused("All rows to train on were asked at one time.", mend="Search where there is a history.")
    return rows.where(earlier), rows.where(~earlier)


def _loss(material: Material, search: Search, estimator: Any, later: TrainingRows) -> float:
    from homeostat.training.proof import estimator_scores

    task, classes, metric = material.loop.task, material.loop.label.classes, search.metric
    answers = estimator_scores(estimator, later.features, task)
    weights = to_train_on(material, later).weight
    if metric is not None:
        found = metric.weighted(later.label, answers, weights)
        return -found if metric.better == "higher" else found
    label = places_of(later.label, classes) if classes else later.label
    losses = task.losses(label, answers)
    return float(np.average(losses, weights=weights))


def _name(number: int) -> str:
    return f"trial_{number + 1}"


def _told(trial: Trial) -> str:
    values = ", ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in trial.values.items()
    )
    return f"{values}: {trial.problem}" if trial.loss is None else f"{values}: loss {trial.loss:.5f}"
