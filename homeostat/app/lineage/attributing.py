"""What each feature of a served row did to its answer: Shapley values, made when somebody asks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from homeostat.app.signing.trust import keyring
from homeostat.app.versions.runtimes import load_native, load_sealed
from homeostat.data.contracts import Value
from homeostat.kernel.canonical import digest
from homeostat.kernel.errors import HomeostatError, NotEnoughData, NotFound, Unavailable
from homeostat.registry.probes import PROBES, Probes
from homeostat.registry.sealed import Sealed, open_sealed
from homeostat.serving.native import Contributions
from homeostat.serving.runtimes import Runtime
from homeostat.stats.arrays import Booleans, Floats, Integers
from homeostat.stats.causes.shapley import Score, shares
from homeostat.stats.tasks import Multiclass, Regression

Json = dict[str, Any]
Row = Mapping[str, Value]
_BATCH = 4_096


@runtime_checkable
class Explaining(Protocol):
    """A model whose library says by itself what each feature does."""

    def contributions(self, columns: Mapping[str, Sequence[Value]]) -> Contributions:
        """What each feature of the one row adds to its log-odds."""
        ...


def attributed(folder: Path, loop: str, version: str, row: Row, unit: str) -> Json:
    """What each feature did to the answer to a row by the version in ``folder``, the strongest first.

    The answer is the probability of a yes, a number, or the probability of the class that is answered.

    Trees of LightGBM or XGBoost say it themselves: exactly, in log-odds, against what they were trained on.
    Any other version is asked about the row mixed with its recorded rows: in probability, against these, by a sample
    that ``unit`` seeds where there are too many mixtures. Shares and base add up to the answer, but for ``gap``.
    What cannot be told is told as a ``problem`` with its ``mend``.
    """
    try:
        sealed = open_sealed(folder, loop, version, keyring())
        runtime = load_sealed(sealed)
        lacking = [name for name, _ in runtime.inputs if name not in row]
        if lacking:
            raise NotFound(f"The log does not hold {', '.join(lacking)}.", mend="Keep the columns: see hs.Log.")
        given = {name: row[name] for name, _ in runtime.inputs}
        trees = _trees(runtime, sealed)
        made = _by_mixing(runtime, sealed, given, unit) if trees is None else _by_trees(runtime, trees, given)
        return {"problem": None, **made}
    except HomeostatError as error:
        return {"problem": error.problem, "mend": error.mend}


def _trees(runtime: Runtime, sealed: Sealed) -> Explaining | None:
    """What serves, or the native model that lies beside it, if its library can say and is installed here."""
    found: object = runtime
    if not isinstance(runtime, Explaining):
        with suppress(Unavailable):
            found = load_native(sealed, among=("lightgbm", "xgboost"))
    return found if isinstance(found, Explaining) else None


def _by_trees(runtime: Runtime, trees: Explaining, row: Row) -> Json:
    columns = {name: [value] for name, value in row.items()}
    found, whole = trees.contributions(columns), float(runtime.predict(columns)[0])
    total = math.fsum((found.base, *found.values.values()))
    number = isinstance(runtime.binding.task, Regression)
    return {
        "method": "trees",
        "of": "prediction" if number else "log-odds",
        "class": None,
        "base": found.base,
        "prediction" if number else "probability": whole,
        "gap": abs(whole - (total if number else 1 / (1 + math.exp(-total)))),
        "background": None,
        "scored": 1,
        "features": _sorted(row, found.values, dict.fromkeys(row, 0.0)),
    }


def _by_mixing(runtime: Runtime, sealed: Sealed, row: Row, unit: str) -> Json:
    background = _recorded(sealed)
    count = len(background.probabilities)
    answered = _answered(runtime, row)
    score = _score(runtime, row, background, answered)
    found = shares(score, len(row), count, seed=int(digest([runtime.version, unit])[:15], 16))
    task = runtime.binding.task
    of = "prediction" if isinstance(task, Regression) else "probability"
    return {
        "method": "exact" if found.exact else "sampled",
        "of": of,
        "class": task.classes[answered] if isinstance(task, Multiclass) and answered is not None else None,
        "base": found.base,
        of: found.whole,
        "gap": abs(found.gap),
        "background": count,
        "scored": found.scored,
        "features": _sorted(row, *(dict(zip(row, each, strict=True)) for each in (found.values, found.errors))),
    }


def _recorded(sealed: Sealed) -> Probes:
    if PROBES not in sealed.version.files:
        mend = "Ask about a prediction of a version that was trained by this release."
        raise NotEnoughData(f"{sealed.version.version} has no recorded rows to compare with.", mend=mend)
    return Probes.read(sealed.read(PROBES))


def _answered(runtime: Runtime, row: Row) -> int | None:
    """The place of the class that is answered; None of a loop that answers otherwise."""
    whole = runtime.predict({name: [value] for name, value in row.items()})
    return None if whole.ndim == 1 else int(whole[0].argmax())


def _score(runtime: Runtime, row: Row, background: Probes, answered: int | None) -> Score:
    """Scores of the row mixed with recorded ones, a batch at a time."""
    mixed = [
        (name, np.array([*background.columns[name], value], dtype=object), len(background.probabilities))
        for name, value in row.items()
    ]

    def score(own: Booleans, numbers: Integers) -> Floats:
        found = []
        for begin in range(0, len(own), _BATCH):
            part = slice(begin, begin + _BATCH)
            columns = {
                name: values[np.where(own[part, place], last, numbers[part])].tolist()
                for place, (name, values, last) in enumerate(mixed)
            }
            answer = runtime.predict(columns)
            found.append(answer if answered is None else answer[:, answered])
        return np.concatenate(found)

    return score


def _sorted(row: Row, values: Mapping[str, float], errors: Mapping[str, float]) -> list[Json]:
    told = [
        {"feature": name, "value": value, "share": values.get(name, 0.0), "error": errors[name]}
        for name, value in row.items()
    ]
    return sorted(told, key=lambda one: -abs(float(one["share"] or 0)))
