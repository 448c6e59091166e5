"""The four legs of a model as hashes: model = f(code, data, config, environment)."""

from __future__ import annotations

import inspect
import platform
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from homeostat.kernel.canonical import digest
from homeostat.kernel.errors import InvalidInput
from homeostat.registry.manifest import hash_file
from homeostat.registry.models import Fingerprint, TrainingPin

ENVIRONMENT = (
    "homeostat",
    "joblib",
    "lightgbm",
    "numpy",
    "onnx",
    "onnxmltools",
    "onnxruntime",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "skl2onnx",
    "skops",
    "xgboost",
    "xgboost-cpu",
)
"""Distributions that take part in making a model; absent ones count as absent."""
FEATURE_ENVIRONMENT = ("duckdb", "homeostat", "numpy", "pyarrow")
"""Distributions that compute features, in training and in serving."""
_OWN_PACKAGE = "homeostat"
_INSTALLED = re.compile(r"(^|/)(site-packages|dist-packages|\.venv)(/|$)")


def fingerprint(
    *, loop_file: Path, train: Callable[..., Any], config: Mapping[str, Any], pin: TrainingPin
) -> Fingerprint:
    """Hash the four legs, so that two versions tell in which leg they differ.

    Raises: InvalidInput when the config holds anything but JSON values.
    """
    return Fingerprint(
        code=code_hash(loop_file, train),
        data=digest(pin.to_json()),
        config=config_hash(config),
        environment=digest(environment()),
    )


def code_hash(loop_file: Path, train: Callable[..., Any]) -> str:
    """Hash the loop's file, the modules beside it that it loaded, and the training function's source."""
    folder = loop_file.resolve().parent
    sources = source_files(loop_file)
    files = {path.relative_to(folder).as_posix(): hash_file(path) for path in sources}
    return digest({"files": files, "train": _source(train)})


def source_files(loop_file: Path) -> list[Path]:
    """The loop's file and every loaded module of the user's that lies in its folder or below, sorted.

    Installed code, Homeostat's own included, belongs to the environment's leg.
    """
    folder = loop_file.resolve().parent
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] != _OWN_PACKAGE]
    files = [getattr(module, "__file__", None) for module in modules]
    loaded = {Path(file).resolve() for file in files if file}
    return sorted({path for path in loaded if _is_below(path, folder)} | {loop_file.resolve()})


def config_hash(config: Mapping[str, Any]) -> str:
    """Hash the config's meaning, whatever the order of its keys."""
    try:
        return digest(config)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"The loop's config cannot be kept: {error}.",
            mend="Use only numbers, texts, booleans, None, lists and dicts in it.",
        ) from error


def environment(names: Iterable[str] = ENVIRONMENT) -> dict[str, str | None]:
    """Python and the installed versions of what takes part, sorted by name; None where not installed."""
    found: dict[str, str | None] = {name: _installed(name) for name in names}
    found["python"] = platform.python_version()
    found["machine"] = f"{platform.system()} {platform.machine()}"
    return dict(sorted(found.items()))


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _source(train: Callable[..., Any]) -> str:
    """The function's source where Python can find it, else its qualified name."""
    try:
        return inspect.getsource(train)
    except (OSError, TypeError):
        return f"{getattr(train, '__module__', '')}.{getattr(train, '__qualname__', '')}"


def _is_below(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder) and not _INSTALLED.search(path.relative_to(folder).as_posix())
