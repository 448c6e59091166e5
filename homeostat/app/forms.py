"""Chooses the form in which a fitted estimator is served: the first that exists and is proven equal on real rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from homeostat.registry.manifest import LAYOUT, MODEL
from homeostat.registry.models import Form, Kind, RuntimeName
from homeostat.serving.runtimes import Runtime
from homeostat.training.proof import both, named, positive_class, prove

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
    export: Callable[[Any, Mapping[str, Kind]], Files]
    load: Callable[[str, Inputs, Files], Runtime]


def _anything(_: Any) -> bool:
    return True


def _write_skops(estimator: Any, kinds: Mapping[str, Kind]) -> Files:
    """Imports skops only now: it takes all of scikit-learn with it, and few loops need it."""
    from homeostat.adapters.skops.export import export

    return export(estimator, kinds)


def _load_skops(version: str, inputs: Inputs, files: Files) -> Runtime:
    from homeostat.adapters.skops.runtime import MODEL as SKOPS_MODEL
    from homeostat.adapters.skops.runtime import SkopsRuntime

    return SkopsRuntime(version, inputs, files[SKOPS_MODEL])


_WAYS = (
    _Way("onnx", "onnx", _anything, lambda e, k: {MODEL: convert(e, k)},
         lambda v, i, f: OnnxRuntime(v, i, f[MODEL])),
    _Way("native", "lightgbm", lightgbm.takes, lightgbm.export,
         lambda v, i, f: LightGbmRuntime(v, i, f[LIGHTGBM_MODEL], f[LAYOUT])),
    _Way("native", "xgboost", xgboost.takes, xgboost.export,
         lambda v, i, f: XgboostRuntime(v, i, f[XGBOOST_MODEL], f[LAYOUT])),
    _Way("skops", "skops", _anything, _write_skops, _load_skops),
)  # fmt: skip


def choose_form(
    estimator: Any, kinds: Mapping[str, Kind], frames: Sequence[pd.DataFrame], version: str, wanted: str = "auto"
) -> Served:
    """ONNX where it converts and is equal; else the library's own booster; else scikit-learn through skops.

    ``frames`` are the rows of the proof; ``wanted`` allows one kind of form only.
    Raises: Refused with what stands against each form.
    """
    positive_class(estimator)
    against: list[HomeostatError] = []
    for way in _WAYS:
        if wanted not in ("auto", way.wanted) or not way.takes(estimator):
            continue
        try:
            return _made(way, estimator, kinds, frames, version, _why(way, wanted, against))
        except HomeostatError as error:
            against.append(error)
    raise _refused(estimator, wanted, against)


def load_form(form: Form, files: Files, version: str, inputs: Inputs) -> Runtime:
    """The runtime of a form that was chosen before, from its very files."""
    way = next(one for one in _WAYS if one.runtime == form.runtime)
    return way.load(version, inputs, files)


def with_native(served: Served, estimator: Any, kinds: Mapping[str, Kind], frame: pd.DataFrame, version: str) -> Served:
    """Beside ONNX, the model in its library's own format, for whoever explains or inspects it; proven equal too.

    ``frame`` are the rows of that proof. As it was where the model has no such form, or serves in it already.
    """
    if served.form.runtime != "onnx" or frame.empty:
        return served
    for way in _WAYS[1:]:
        if way.takes(estimator):
            with suppress(HomeostatError):
                native = _made(way, estimator, kinds, [frame], version, "").files
                return replace(served, files={**served.files, **native})
    return served


def _made(
    way: _Way, estimator: Any, kinds: Mapping[str, Kind], frames: Iterable[pd.DataFrame], version: str, why: str
) -> Served:
    files = way.export(estimator, kinds)
    runtime = way.load(version, tuple(kinds.items()), files)
    proofs = [prove(estimator, runtime.predict, frame, kinds, form=way.runtime) for frame in frames if len(frame)]
    return Served(Form(way.runtime, next(iter(files)), why, reduce(both, proofs)), files, runtime)


def _why(way: _Way, wanted: str, against: Sequence[HomeostatError]) -> str:
    if way.runtime == "onnx":
        return ""
    return " ".join(error.problem for error in against) if wanted == "auto" else f"The loop asks for {wanted}."


def _refused(estimator: Any, wanted: str, against: Sequence[HomeostatError]) -> Refused:
    facts = {name: fact for error in against for name, fact in error.facts.items()}
    if not against:
        return Refused(
            f"{named(estimator)} has no {wanted} form: it is neither LightGBM's nor XGBoost's classifier.",
            mend='Return an LGBMClassifier or XGBClassifier, or let the loop choose: runtime="auto".',
            estimator=named(estimator),
        )
    return Refused(
        " ".join(dict.fromkeys(error.problem for error in against)),
        mend=" Or: ".join(dict.fromkeys(error.mend for error in against)),
        **{**facts, "estimator": named(estimator)},
    )
