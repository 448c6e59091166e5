"""The step that trains twice on a sample: what is not decided by rows, config and seed is found, and told."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from homeostat.app.pipeline.calling import called, to_train_on
from homeostat.app.pipeline.clock_reads import ClockReads
from homeostat.app.pipeline.material import Material
from homeostat.kernel.errors import HomeostatError
from homeostat.kernel.words import plural
from homeostat.training.formats import VALUES
from homeostat.training.steps import Format, Notes, Step

if TYPE_CHECKING:
    from homeostat.training.rows import TrainingRows
    from homeostat.training.training_set import LabelledRows

_ROWS, _NAMED = 1_000, 5
_SAME = 1e-9


def repeating_steps(material: Material) -> list[Step]:
    """repeat: done once for each state of code, config and environment; the rows only serve to try it on."""

    def work(notes: Notes, training: LabelledRows) -> dict[str, Any]:
        rows = _sample(material.rows(training))
        try:
            differs, clocks = _twice(material, rows, notes)
        except HomeostatError as error:
            notes.say(
                f"whether training is repeatable cannot be told on {plural(rows.label.size, 'row')}: {error.problem}"
            )
            return {"repeated": None}
        if differs > _SAME:
            notes.warn(
                f"train() made two different models of the same {plural(rows.label.size, 'row')}: answers"
                " differ by up to"
                f" {differs:.2g}. It draws without a seed or reads the clock, and cannot be rebuilt"
            )
        for where in clocks:
            notes.warn(f"training reads the clock ({where}): a rebuild reads another time")
        for told in _from_outside(material):
            notes.warn(told)
        return {"repeated": differs <= _SAME and not clocks}

    gives: dict[str, Format] = {"repeated": VALUES}
    return [Step("repeat", work, gives, (), material.decided_by_code(), ("training",), **material.turns_out)]


def _sample(rows: TrainingRows) -> TrainingRows:
    """Rows spread over all of them."""
    chosen = np.zeros(rows.label.size, dtype=bool)
    chosen[:: -(-rows.label.size // _ROWS)] = True
    return rows.where(chosen)


def _from_outside(material: Material) -> Iterator[str]:
    """What the user's code took from where a rebuild may find something else, or nothing."""
    sources, reads = material.recording.sources, material.recording.reads
    files = material.outside.files(sources.hashes(), sources.project)
    if files:
        yield f"training reads {_few(files)}, which no version keeps: name it in files= of hs.Loop, for a rebuild"
    if reached := material.outside.connections:
        yield f"training opened a connection to {_few(reached)}: what it answered is no part of the version"
    if started := material.outside.programs:
        yield f"training starts {_few(started)}: what another program reads is not seen, and no part of the version"
    if reads is not None and reads.wholly and not reads.declared:
        yield (
            f"training reads the whole environment ({_few(reads.wholly)}), of which a version keeps none: name what"
            " counts in variables= of hs.Loop, for a rebuild"
        )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")


def _twice(material: Material, rows: TrainingRows, notes: Notes) -> tuple[float, list[str]]:
    """How far two models' answers are apart, and where the user's code read the clock."""
    loop, config, sources = material.loop, material.loop.config, material.recording.sources
    given = to_train_on(material, rows)
    one = called(material, "train()", loop.train, config, given, copy.deepcopy(dict(config)))
    if not (given.features.equals(rows.features) and np.array_equal(given.label, rows.label)):
        notes.warn("train() changes the rows that it is given; they are a copy of its own, so nobody else sees that")
    sources.read()  # with what the first call has imported
    again, read = to_train_on(material, rows), ClockReads(sources.hashes())
    read.when_loaded()

    def watched() -> Any:  # the second time: to watch the imports of a first call takes longer than they do
        return read.during(lambda: loop.train(again, copy.deepcopy(dict(config))))

    other = called(material, "train()", watched, config)
    from homeostat.training.proof import estimator_scores

    answers = [
        called(material, "the model", estimator_scores, config, model, rows.features, loop.task)
        for model in (one, other)
    ]
    return float(np.abs(answers[0] - answers[1]).max(initial=0.0)), read.places
