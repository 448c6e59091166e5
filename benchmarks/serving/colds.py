"""From the command of a gateway to its first right answer, for every form in which a version is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.serving.homes import home_of, rows_of
from benchmarks.serving.loops import PLAIN
from benchmarks.serving.models import IMPUTED, LIGHTGBM, LOGISTIC, XGBOOST, Kind
from benchmarks.serving.running import up
from benchmarks.serving.servers import gateway

Json = dict[str, Any]
_FORMS: tuple[tuple[Kind, str], ...] = (
    (LOGISTIC, "onnx"),
    (IMPUTED, "skops"),
    (LIGHTGBM, "onnx"),
    (LIGHTGBM, "native"),
    (XGBOOST, "native"),
)


def cold_starts(folder: Path, times: int) -> Iterator[Json]:
    """Each form in turns with the others; processor time too, which neighbours do not stretch."""
    homes = {one: home_of(folder / "-".join(one), PLAIN, one[0], wanted=one[1]) for one in _FORMS}
    taken: dict[tuple[Kind, str], list[tuple[float, float]]] = {one: [] for one in _FORMS}
    for _ in range(times):
        for one, served in homes.items():
            with up(gateway(served, rows_of(served.model)), folder, served.model.expected[0]) as found:
                taken[one].append((found.cold, found.process.cpu_seconds()))
    for (kind, form), each in taken.items():
        seconds, processor = zip(*each, strict=True)
        yield {
            "what": "cold start to the first right answer",
            "model": kind,
            "form": form,
            "times": times,
            "cold_start_seconds": median(seconds),
            "most": max(seconds),
            "cpu_seconds": median(processor),
        }
