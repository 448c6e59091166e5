"""How a candidate's model is made: trained by the loop's function, or of another version's model."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from homeostat.app.forms import Served, choose_form, with_native
from homeostat.app.labelled_loops import LabelledLoop
from homeostat.kernel.errors import Refused
from homeostat.registry.fingerprint import config_hash
from homeostat.registry.models import TrainingPin, Version
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
    @property
    def files(self) -> Sequence[str]: ...
    @property
    def canonical(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Made:
    """A candidate's model in the form that ships.

    ``config`` is what it was made with. ``of`` says of which version a variant was made, and ``burdens`` what both
    weigh; None where it was trained.
    """

    served: Served
    config: Mapping[str, Any]
    of: Version | None = None
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
        config_hash(loop.config)  # raises before the time is spent
        say(f"training on {rows.label.size} rows of {len(loop.feature_set.names)} features")
        estimator = _train(loop, rows, place)
        say("bringing it into the form that serves, and proving that equal")
        frames: Sequence[pd.DataFrame] = [rows.features, later]
        served = choose_form(estimator, loop.feature_set.kinds, frames, job.version, loop.runtime)
        _must_answer_when_nothing_is_known(served.runtime, estimator)
        say(f"served by {served.form.runtime}. {served.form.why}".rstrip())
        served = with_native(served, estimator, loop.feature_set.kinds, later, job.version)
        return Made(served, loop.config)

    return make


def _train(loop: Trainable, rows: TrainingRows, place: JobFolder) -> Any:
    try:
        return loop.train(rows, loop.config)
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
