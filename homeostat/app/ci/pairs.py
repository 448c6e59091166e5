"""The change beside the champion on the same held-out rows, as a whole and by declared slice; the day is the block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.app.ci.material import CANDIDATE, Material
from homeostat.app.control.scoring import read_profile
from homeostat.app.versions.runtimes import load_made, load_runtime
from homeostat.control.loop import Loop
from homeostat.data.profiles import Profile
from homeostat.governance.ci import SliceSeen
from homeostat.kernel.errors import NotEnoughData, Unavailable
from homeostat.monitoring.degraded import LEAST_ROWS
from homeostat.monitoring.kept_slices import KeptSlice
from homeostat.monitoring.slice_figures import cells_of, loss_of, named
from homeostat.monitoring.slices import Judged, sliced
from homeostat.serving.runtimes import Runtime
from homeostat.stats.intervals import Interval, block_mean, block_mean_from_sums, in_units
from homeostat.training.proof import scores_of
from homeostat.training.rows import model_frame
from homeostat.training.training_set import LabelledQuestions, joined_features, labelled_questions, local_days

_MOST = 50_000
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """Scores of both on the same rows. ``unseen``: whether the champion was trained on none of them."""

    material: Material
    columns: Mapping[str, NDArray[Any]]
    profiles: Mapping[str, Profile]
    label: NDArray[Any]
    days: NDArray[np.int64]
    candidate: Floats
    champion: Floats
    unseen: bool

    @property
    def same(self) -> bool:
        """Whether both answer every row alike."""
        return bool(np.array_equal(self.candidate, self.champion))

    def difference(self, confidence: float) -> Interval | None:
        """Loss of the change minus the champion's a row, in nats or as a share of what the best constant costs; None
        for too few days."""
        task = self.material.loop.task
        apart = task.losses(self.label, self.candidate) - task.losses(self.label, self.champion)
        try:
            return in_units(block_mean(apart, self.days, confidence=confidence), self.unit)
        except NotEnoughData:
            return None

    @property
    def unit(self) -> float:
        """What differences are told in."""
        return self.material.loop.task.sums(self.label, self.candidate).unit

    def by_slice(self, confidence: float) -> list[SliceSeen]:
        """The same for every value of every declared slice; bounds hold for all of them together (Bonferroni)."""
        candidate, champion = self._kept(self.candidate), self._kept(self.champion)
        both = [
            (one, other)
            for of in self.material.loop.sliced_by
            for one, other in zip(cells_of(candidate, of), cells_of(champion, of), strict=True)
            if one.rows >= LEAST_ROWS
        ]
        level, unit = 1 - (1 - confidence) / max(1, len(both)), self.unit
        found = []
        for one, other in both:
            loss = loss_of(one.sums)
            try:
                raw = block_mean_from_sums(one.sums[loss] - other.sums[loss], one.sums["rows"], confidence=level)
            except NotEnoughData:
                continue
            if (bounds := in_units(raw, unit)) is not None:
                found.append(SliceSeen(named(one.of, one.value), one.rows, bounds))
        return found

    def _kept(self, scores: Floats) -> list[tuple[KeptSlice, ...]]:
        return [self._day(scores, self.days == day) for day in np.unique(self.days)]

    def _day(self, scores: Floats, rows: NDArray[np.bool_]) -> tuple[KeptSlice, ...]:
        loop = self.material.loop
        chosen = {name: values[rows] for name, values in self.columns.items()}
        judged = Judged.of(self.label[rows], scores[rows], loop.threshold, 1, loop.task)
        return sliced(loop.sliced_by, chosen, self.profiles, judged)


def pair(material: Material, trained: Path, champion: Path) -> Paired:
    """Score the held-out rows with both: those that neither was trained on, where their days suffice for the gate.

    Raises: Unavailable where the champion needs what the change does not have.
    """
    loop = material.loop
    questions, unseen = _held_out(material)
    columns = joined_features(questions.asked, loop.feature_set, material.sources)
    scores = []
    for runtime in (load_made(trained, loop.name, CANDIDATE), load_runtime(champion, loop.name, champion.name)):
        _must_be_fed(runtime, loop)
        scores.append(scores_of(runtime.predict, model_frame(columns, dict(runtime.inputs))))
    others = {name for of in loop.sliced_by for name in of} - set(columns)
    told = {name: np.array(questions.asked[name].to_pylist(), dtype=object) for name in sorted(others)}
    days = local_days(questions.asked_at, loop.timezone)
    profiles = read_profile(trained).features
    return Paired(material, {**columns, **told}, profiles, questions.label, days, scores[0], scores[1], unseen)


def _must_be_fed(runtime: Runtime, loop: Loop) -> None:
    lacking = [name for name, kind in runtime.inputs if loop.feature_set.kinds.get(name) != kind]
    if lacking:
        raise Unavailable(
            f"{runtime.version} cannot be asked about the change's rows: it needs {', '.join(lacking)} as they were.",
            mend="Leave them to it until a version of the change serves, or allow this check to be unknown.",
            version=runtime.version,
            features=lacking,
        )


def _held_out(material: Material) -> tuple[LabelledQuestions, bool]:
    loop = material.loop
    assert material.champion is not None
    questions = labelled_questions(loop.question, loop.label, material.sources)
    later = questions.where(questions.asked_at >= max(material.cutoff, material.champion.pin.cutoff))
    unseen = np.unique(local_days(later.asked_at, loop.timezone)).size >= loop.gate.min_days
    if not unseen:
        later = questions.where(questions.asked_at >= material.cutoff)
    newest = np.arange(later.label.size) >= later.label.size - _MOST
    return later.where(newest), unseen
