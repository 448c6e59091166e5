"""The files by which MLflow's own client loads a version: ``mlflow.pyfunc.load_model("models:/LOOP@champion")``."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version as installed

from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.clock import Instant, format_instant
from homeostat.registry.models import Kind
from homeostat.stats.tasks import BINARY, Multiclass, Task

MLMODEL, REQUIREMENTS = "MLmodel", "requirements.txt"
LOADER = "homeostat.app.pyfunc"
"""Stands in every version that was ever registered, which is signed: the module keeps its name and place."""
"""The module that MLflow imports to load a version: installed code, never code that lies in the registry."""
_TYPES: Mapping[Kind, str] = {"number": "any", "text": "string"}
"""By MLflow's names. Whole numbers, and yes and no, are numbers, too: its "double" would refuse columns of them."""
_NEEDED = ("homeostat", "mlflow-skinny", "onnxruntime", "pandas")


def answer_columns(task: Task) -> list[str]:
    """The columns in which MLflow's client gets answers: `probability`, `prediction`, or each class by its name.

    >>> from homeostat.stats.tasks import Multiclass, Regression
    >>> answer_columns(Regression()), answer_columns(Multiclass(("bread", "cake")))
    (['prediction'], ['bread', 'cake'])
    """
    return list(task.classes) if isinstance(task, Multiclass) else [task.column]


def flavour_files(inputs: Mapping[str, Kind], created_at: Instant, task: Task = BINARY) -> dict[str, bytes]:
    """MLmodel, as JSON, which is YAML, and requirements.txt: the same inputs and libraries give the same bytes."""
    columns = [{"type": _TYPES[kind], "name": name, "required": True} for name, kind in inputs.items()]
    answers = [{"type": "double", "name": name, "required": True} for name in answer_columns(task)]
    told = {
        "artifact_path": "version",
        "flavors": {"python_function": {"loader_module": LOADER, "python_version": platform.python_version()}},
        "mlflow_version": installed("mlflow-skinny"),
        "signature": {"inputs": json.dumps(columns), "outputs": json.dumps(answers), "params": None},
        "utc_time_created": format_instant(created_at),
    }
    lines = [f"{name}=={installed(name)}" for name in _NEEDED]
    return {MLMODEL: canonical_json(told), REQUIREMENTS: "\n".join([*lines, ""]).encode()}
