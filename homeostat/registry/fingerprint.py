"""What decides a model or its features beside the data, in brief: config, and the libraries that take part."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any

from homeostat.kernel.canonical import digest, keys_of_other_kinds
from homeostat.kernel.errors import InvalidInput

FEATURE_ENVIRONMENT = ("duckdb", "homeostat", "numpy", "pyarrow")
"""Distributions that compute features, in training and in serving."""


def config_hash(config: Mapping[str, Any]) -> str:
    """Hash the config's meaning, whatever the order of its keys; a key that is a number is another than its text.

    Raises: InvalidInput when it holds anything but JSON values, or two keys that are the same in JSON.
    """
    try:
        others = list(keys_of_other_kinds(config))
        return digest({"config": config, "keys": others}) if others else digest(config)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"The loop's config cannot be kept: {error}.",
            mend="Use only numbers, texts, booleans, None, lists and dicts in it, and texts for keys.",
        ) from error


def environment(names: Iterable[str]) -> dict[str, str | None]:
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
