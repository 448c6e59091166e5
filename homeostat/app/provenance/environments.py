"""The environment that a model is made in, as far as it can change the model, and how to install it again."""

from __future__ import annotations

import codecs
import hashlib
import json
import locale
import os
import platform
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from homeostat.app.pipeline.release import release
from homeostat.registry.legs import EnvironmentLeg, Package

OWN = "homeostat"
_POOLS = re.compile(r"(OMP|OPENBLAS|MKL|BLIS|NUMEXPR|VECLIB|RAYON|POLARS|NUMBA|TBB)_.*THREADS|.*_(NUM|MAX)_THREADS")
_OTHERS = ("OPENBLAS_CORETYPE", "OMP_DYNAMIC", "MKL_CBWR", "NPY_DISABLE_CPU_FEATURES")
_FLAGS = re.compile(r"(sse|ssse|avx|fma|f16c|amx|asimd|sve|neon|fphp|bf16|i8mm)")
_WAYS = re.compile(r"\.dist-info/(INSTALLER|REQUESTED|RECORD|direct_url\.json|uv_\w+\.json)$|\.pyc$")


def this_environment() -> EnvironmentLeg:
    """Everything installed here, and what of this machine changes floats."""
    packages, lock = _installed()
    return EnvironmentLeg(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform={
            "system": platform.system(),
            "machine": platform.machine(),
            "libc": "-".join(platform.libc_ver()),
            "timezone": _timezone(),
            "encoding": _encoding(),
        },
        processor={"features": _features(), "kernels": _kernels()},
        threads=_threads(os.environ),
        packages=packages,
        lock=lock,
    )


def environment_of_children() -> str:
    """The hash of what is installed here and of this machine, for what processes make that all run on one thread.

    How many threads the process has that asks does not count: whoever asks, the same model comes of it.
    """
    here = this_environment()
    fixed = {name: value for name, value in here.threads.items() if name in _OTHERS}
    return replace(here, threads=fixed, processor={"features": here.processor["features"]}).hash


@cache
def _installed() -> tuple[Mapping[str, Package], tuple[str, ...]]:
    """Looked through once: a process goes on with what it has imported."""
    packages, lock = {}, []
    for one in metadata.distributions():
        name, version = _named(one)
        if not name:
            continue  # installers leave folders without a name behind: nothing can ask for such a package
        if name not in packages:  # of two on the path the first is imported; Homeostat may be installed for work on it
            packages[name] = Package(version, release() if name == OWN else _record(one))
            lock.append(_line(one, name, version))
    return dict(sorted(packages.items())), tuple(sorted(lock))


def _named(one: metadata.Distribution) -> tuple[str, str]:
    """Its name as PEP 503 has it, so that every tool means the same by it, and its version.

    Only the fields are read: to parse descriptions too takes most of a second for all that is installed.
    """
    fields = (_told(one, "METADATA") or _told(one, "PKG-INFO")).partition("\n\n")[0]
    told = dict(line.split(": ", 1) for line in fields.splitlines() if line.startswith(("Name: ", "Version: ")))
    return re.sub(r"[-_.]+", "-", told.get("Name", "")).lower(), told.get("Version", "")


def _told(one: metadata.Distribution, name: str) -> str:
    """A file of its metadata; nothing where there is none, or none that is text."""
    try:
        return one.read_text(name) or ""
    except UnicodeDecodeError:
        told = getattr(one, "_path", None)
        return "" if told is None else (told / name).read_bytes().decode(errors="replace")


def _record(one: metadata.Distribution) -> str | None:
    """The files of a wheel with their hashes, without what installers add, each in its own way and place."""
    lines = _told(one, "RECORD").splitlines()
    rows = [line.rsplit(",", 2) for line in lines if line]
    kept = sorted(
        f"{path} {hashed}" for path, hashed, _ in rows if not path.startswith("..") and not _WAYS.search(path)
    )
    return hashlib.sha256("\n".join(kept).encode()).hexdigest() if kept else None


def _line(one: metadata.Distribution, name: str, version: str) -> str:
    """A requirement that installs it again; a comment for what lies only in a folder of this machine."""
    try:
        url = json.loads(_told(one, "direct_url.json") or "{}")
        if "vcs_info" in url:
            return f"{name} @ {url['vcs_info']['vcs']}+{url['url']}@{url['vcs_info']['commit_id']}"
        if "dir_info" in url:
            return f"# {name}=={version} was installed from a folder"
    except (ValueError, KeyError, TypeError):  # whoever installed it did not say from where
        pass
    return f"{name}=={version}"


def _features() -> list[str]:
    """Instruction sets for floats that this processor has; libraries choose their arithmetic by them."""
    try:
        told = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    flags: Iterator[str] = (line.partition(":")[2] for line in told if line.lower().startswith(("flags", "features")))
    return sorted({flag for flag in next(flags, "").split() if _FLAGS.match(flag)})


def _kernels() -> list[str]:
    """For which processor each loaded library of linear algebra chose its kernels, and its threads."""
    import scipy.linalg  # noqa: F401 - so that its library is told whether or not something has loaded it before
    from threadpoolctl import threadpool_info

    found: list[dict[str, Any]] = [one for one in threadpool_info() if one["user_api"] == "blas"]
    kinds = ("internal_api", "version", "architecture", "num_threads")
    return sorted({" ".join(str(one.get(kind, "-")) for kind in kinds) for one in found})


def is_thread_count(name: str) -> bool:
    """Whether a variable says how numeric libraries work: these are on record whoever reads them."""
    return _POOLS.fullmatch(name) is not None or name in _OTHERS


def _threads(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in sorted(variables.items()) if is_thread_count(name)}


def _timezone() -> str:
    """The zone of local time by its rules, not by its name: ``UTC``, or such as ``CET/CEST -3600``.

    Seconds are those west of Greenwich, as ``time.timezone`` counts them.
    """
    names = "/".join(dict.fromkeys(time.tzname))
    return names if not time.timezone and not time.daylight else f"{names} {time.timezone}"


def _encoding() -> str:
    """How texts are read where nobody says how."""
    return "utf-8" if sys.flags.utf8_mode else codecs.lookup(locale.getencoding()).name
