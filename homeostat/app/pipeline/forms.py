"""Chooses the form in which a fitted estimator is served: the first that exists and is proven equal on real rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import pandas as pd

from homeostat.adapters.lightgbm import export as lightgbm
from homeostat.adapters.lightgbm.runtime import MODEL as LIGHTGBM_MODEL
from homeostat.adapters.lightgbm.runtime import LightGbmRuntime
from homeostat.adapters.onnx.convert import convert
from homeostat.adapters.onnx.runtime import OnnxRuntime
from homeostat.adapters.xgboost import export as xgboost
from homeostat.adapters.xgboost.runtime import MODEL as XGBOOST_MODEL
from homeostat.adapters.xgboost.runtime import XgboostRuntime
from homeostat.kernel.errors import HomeostatError, Refused
from homeostat.registry.binding import Binding
from homeostat.registry.manifest import LAYOUT, MODEL
from homeostat.registry.models import Form, Kind, RuntimeName
from homeostat.serving.runtimes import Runtime
from homeostat.stats.tasks import BINARY, Task
from homeostat.training.fitted import answering, named
from homeostat.training.proof import both, prove

Inputs = tuple[tuple[str, Kind], ...]
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Served:
    """An estimator in the form in which it ships: what the manifest says of it, its files, and what they load as."""

    form: Form
    files: Files
    runtime: Runtime


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to serve an estimator: what asks for it, how its files are written (the model's first), and loaded."""

    wanted: str
    runtime: RuntimeName
    takes: Callable[[Any], bool]
    export: Callable[[Any, Mapping[str, Kind], Task], Files]
    load: Callable[[str, Inputs, Files, Binding], Runtime]


def _anything(_: Any) -> bool:
    return True


def _write_skops(estimator: Any, kinds: Mapping[str, Kind], task: Task) -> Files:
    """Imports skops only now: it takes all of scikit-learn with it, and few loops need it."""
    from homeostat.adapters.skops.export import export

    del task
    return export(estimator, kinds)


def _load_skops(version: str, inputs: Inputs, files: Files, binding: Binding) -> Runtime:
    from homeostat.adapters.skops.runtime import MODEL as SKOPS_MODEL
    from homeostat.adapters.skops.runtime import SkopsRuntime

    return SkopsRuntime(version, inputs, files[SKOPS_MODEL], binding)


_WAYS = (
    _Way("onnx", "onnx", _anything, lambda e, k, t: {MODEL: convert(e, k, t)},
         lambda v, i, f, b: OnnxRuntime(v, i, f[MODEL], b)),
    _Way("native", "lightgbm", lightgbm.takes, lambda e, k, t: lightgbm.export(e, k),
         lambda v, i, f, b: LightGbmRuntime(v, i, f[LIGHTGBM_MODEL], f[LAYOUT], b)),
    _Way("native", "xgboost", xgboost.takes, lambda e, k, t: xgboost.export(e, k),
         lambda v, i, f, b: XgboostRuntime(v, i, f[XGBOOST_MODEL], f[LAYOUT], b)),
    _Way("skops", "skops", _anything, _write_skops, _load_skops),
)  # fmt: skip


def choose_form(
    estimator: Any,
    kinds: Mapping[str, Kind],
    frames: Sequence[pd.DataFrame],
    version: str,
    wanted: str = "auto",
    task: Task = BINARY,
) -> Served:
    """ONNX where it converts and is equal; else the library's own booster; else scikit-learn through skops.

    ``frames`` are the rows of the proof; ``wanted`` allows one kind of form only.
    Raises: Refused with what stands against each form.
    """
    answering(estimator, task)
    made = _Made(estimator, kinds, frames, version, task)
    against: list[HomeostatError] = []
    for way in _WAYS:
        if wanted not in ("auto", way.wanted) or not way.takes(estimator):
            continue
        try:
            return made.served(way, _why(way, wanted, against))
        except HomeostatError as error:
            against.append(error)
    raise _refused(estimator, wanted, against)


def load_form(form: Form, files: Files, version: str, inputs: Inputs, task: Task = BINARY) -> Runtime:
    """The runtime of a form that was chosen before, from its very files."""
    way = next(one for one in _WAYS if one.runtime == form.runtime)
    return way.load(version, inputs, files, Binding("", task=task))


def with_native(
    served: Served,
    estimator: Any,
    kinds: Mapping[str, Kind],
    frame: pd.DataFrame,
    version: str,
    task: Task = BINARY,
) -> Served:
    """Beside ONNX, the model in its library's own format, for whoever explains or inspects it; proven equal too.

    ``frame`` are the rows of that proof. As it was where the model has no such form, or serves in it already.
    """
    if served.form.runtime != "onnx" or frame.empty:
        return served
    for way in _WAYS[1:]:
        if way.takes(estimator):
            with suppress(HomeostatError):
                native = _Made(estimator, kinds, [frame], version, task).served(way, "").files
                return replace(served, files={**served.files, **native})
    return served


@dataclass(frozen=True, slots=True)
class _Made:
    """A fitted estimator and the rows on which its forms are proven."""

    estimator: Any
    kinds: Mapping[str, Kind]
    frames: Sequence[pd.DataFrame]
    version: str
    task: Task

    def served(self, way: _Way, why: str) -> Served:
        """In one form. Raises: HomeostatError where it has none, or it is not proven equal."""
        files = way.export(self.estimator, self.kinds, self.task)
        runtime = way.load(self.version, tuple(self.kinds.items()), files, Binding("", task=self.task))
        proofs = [
            prove(self.estimator, runtime.predict, frame, self.kinds, form=way.runtime, task=self.task)
            for frame in self.frames
            if len(frame)
        ]
        return Served(Form(way.runtime, next(iter(files)), why, reduce(both, proofs)), files, runtime)


def _why(way: _Way, wanted: str, against: Sequence[HomeostatError]) -> str:
    if way.runtime == "onnx":
        return ""
    return " ".join(error.problem for error in against) if wanted == "auto" else f"The loop asks for {wanted}."


def _refused(estimator: Any, wanted: str, against: Sequence[HomeostatError]) -> Refused:
    facts = {name: fact for error in against for name, fact in error.facts.items()}
    if not against:
        return Refused(
            f"{named(estimator)} has no {wanted} form: it is neither LightGBM's nor XGBoost's.",
            mend='Return an LGBMClassifier, an XGBClassifier or a regressor of theirs, or choose runtime="auto".',
            estimator=named(estimator),
        )
    return Refused(
        " ".join(dict.fromkeys(error.problem for error in against)),
        mend=" Or: ".join(dict.fromkeys(error.mend for error in against)),
        **{**facts, "estimator": named(estimator)},
    )
