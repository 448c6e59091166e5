"""Whether a version that was made again is the same, and, if not, which leg explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from homeostat.registry.differences import LegDifference
from homeostat.registry.manifest import LAYOUT, MODEL
from homeostat.registry.models import Version
from homeostat.registry.native import native_model

How = Literal["bytes", "predictions", "different", "not_run"]


@dataclass(frozen=True, slots=True)
class Answers:
    """How far the answers of two models to ``rows`` recorded rows are apart, in probability; None where the model
    made again cannot take them."""

    rows: int
    worst: float | None
    tolerance: float


@dataclass(frozen=True, slots=True)
class Replay:
    """The verdict. ``explained_by`` are the legs that differ; ``unknown`` those that were not recorded."""

    equal: bool
    how: How
    explained_by: tuple[str, ...]
    unknown: tuple[str, ...]
    text: str


def judge_replay(same: Mapping[str, bool] | None, answers: Answers | None, legs: Mapping[str, LegDifference]) -> Replay:
    """Equal by the bytes of the model that serves, else by its answers within a tolerance, else different.

    ``same`` says of each of its files whether it is; None where nothing was made.
    """
    differing = tuple(name for name, leg in legs.items() if leg.equal is False)
    unknown = tuple(name for name, leg in legs.items() if leg.equal is None)
    named = f"{' and '.join(differing)} {'differs' if len(differing) == 1 else 'differ'}"
    if same is None:
        return Replay(False, "not_run", differing, (), f"not made again: {named}")
    beside = f", though {named}" if differing else ""
    if same and all(same.values()):
        return Replay(True, "bytes", differing, unknown, f"the model is the same to the byte{beside}")
    if answers is not None and answers.worst is not None and answers.rows and answers.worst <= answers.tolerance:
        near = f"at most {answers.worst:.2g} <= {answers.tolerance:g} apart on {answers.rows} recorded rows"
        return Replay(True, "predictions", differing, unknown, f"answers are {near}{beside}")
    far = "" if answers is None or answers.worst is None else f", answers up to {answers.worst:.2g} apart"
    return Replay(
        False, "different", differing, unknown, f"the model is another{far}: {_why(named, differing, unknown)}"
    )


def _why(named: str, differing: tuple[str, ...], unknown: tuple[str, ...]) -> str:
    if differing:
        return named
    if unknown:
        return f"no recorded leg differs, but {' and '.join(unknown)} {'was' if len(unknown) == 1 else 'were'} not kept"
    return (
        "no leg differs, so training does not give the same twice: chance without a seed, the clock, or a source "
        "that is not recorded"
    )


def serving_files(version: Version) -> tuple[str, ...]:
    """The files of the form that serves, its model first."""
    if version.form is None or version.form.runtime == "onnx":
        return (MODEL,) if version.form is None else (version.form.model,)
    return tuple(name for name in (version.form.model, LAYOUT) if name in version.files)


def model_files(version: Version) -> tuple[str, ...]:
    """Those, and the files of its library's own format."""
    native = native_model(version)
    return tuple(dict.fromkeys([*serving_files(version), *(native.files if native else ())]))
