"""How a candidate's model is made: trained by the loop's function, or of another version's model."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from homeostat.app.forms import Served, choose_form
from homeostat.app.labelled_loops import LabelledLoop
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import Refused
from homeostat.registry.fingerprint import fingerprint
from homeostat.registry.models import Fingerprint, TrainingPin
from homeostat.serving.runtimes import Runtime
from homeostat.training.jobs import Burden, JobFolder, TrainingFailed, TrainingJob
from homeostat.training.rows import TrainingRows

Say = Callable[[str], None]


class Trainable(LabelledLoop, Protocol):
    """What training needs of a loop."""

    @property
    def train(self) -> Callable[[Any, Mapping[str, Any]], Any]: ...
    @property
    def config(self) -> Mapping[str, Any]: ...
    @property
    def runtime(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Made:
    """A candidate's model in the form that ships, its fingerprint, and the config it was made with, as its file.

    ``burdens`` are those of a variant and of the version that it was made of.
    """

    served: Served
    fingerprint: Fingerprint
    config: bytes
    burdens: tuple[Burden, Burden] | None = None


class Maker(Protocol):
    """One way to make a candidate's model."""

    def __call__(self, rows: TrainingRows, later: pd.DataFrame, pin: TrainingPin) -> Made:
        """Of the rows of ``pin``; the features of the held-out rows, ``later``, only prove its form."""
        ...


def training(job: TrainingJob, loop: Trainable, place: JobFolder, say: Say) -> Maker:
    """The loop's function fits an estimator, of which the form that serves is proven equal.

    The maker raises: TrainingFailed when ``train`` does; Refused when no form is equal, or it fails on missing values.
    """

    def make(rows: TrainingRows, later: pd.DataFrame, pin: TrainingPin) -> Made:
        legs = fingerprint(loop_file=Path(job.loop_file), train=loop.train, config=loop.config, pin=pin)
        say(f"training on {rows.label.size} rows of {len(loop.feature_set.names)} features")
        estimator = _train(loop, rows, place)
        say("bringing it into the form that serves, and proving that equal")
        frames: Sequence[pd.DataFrame] = [rows.features, later]
        served = choose_form(estimator, loop.feature_set.kinds, frames, job.version, loop.runtime)
        _must_answer_when_nothing_is_known(served.runtime, estimator)
        say(f"served by {served.form.runtime}. {served.form.why}".rstrip())
        return Made(served, legs, canonical_json(loop.config))

    return make


def _train(loop: Trainable, rows: TrainingRows, place: JobFolder) -> Any:
    try:
        estimator = loop.train(rows, loop.config)
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
