"""Installs a recorded environment again, in a folder of its own, by the lock that was kept with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import homeostat
from homeostat.app.home import Home, write_whole
from homeostat.app.processes.user_code import without_secrets
from homeostat.kernel.errors import Unavailable
from homeostat.registry.legs import EnvironmentLeg

_SECONDS = 1_800.0
_DONE = "installed"
_SAID = 8


def build(home: Home, leg: EnvironmentLeg, say: Callable[[str], None]) -> Path:
    """The Python of the recorded environment, installed now or before, with Homeostat as it is here.

    ``uv`` installs it where there is one, which also finds the recorded Python; else ``pip``, with this Python.
    Whether it is the recorded environment to the last file is what the replay then compares.
    Raises: Unavailable with the installer's last words; nothing of it is left then.
    """
    folder = home.environments_built / leg.hash[:16]
    python = folder / "bin" / "python"
    if (folder / _DONE).exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    say(f"installing {len(leg.lock)} packages for {leg.python}")
    try:
        _install(folder, python, leg)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    write_whole(folder / _DONE, b"")
    return python


def _install(folder: Path, python: Path, leg: EnvironmentLeg) -> None:
    version, uv = leg.python.split()[-1], _uv()
    if uv is not None:
        _run([uv, "venv", "--quiet", "--python", version, str(folder)], leg)
    else:
        _run([sys.executable, "-m", "venv", str(folder)], leg)
    lock = folder / "requirements.lock"
    lock.write_text("\n".join(leg.lock) + "\n")
    if uv is not None:
        _run([uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), "-r", str(lock)], leg)
    else:
        _run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(lock)], leg)
    _with_homeostat(folder)


def _with_homeostat(folder: Path) -> None:
    """Homeostat as it is here: its modules from where they lie, and its name among what is installed."""
    (site,) = folder.glob("lib/python*/site-packages")
    if any(site.glob("homeostat-*.dist-info")):
        return
    package = Path(homeostat.__file__).resolve().parent
    if package.parent == Path(sysconfig.get_path("purelib")).resolve():
        shutil.copytree(package, site / package.name)  # beside it lies what is installed here
    else:
        (site / "homeostat_of_here.pth").write_text(f"{package.parent}\n")
    told = getattr(metadata.distribution("homeostat"), "_path", None)
    if told is not None:
        shutil.copytree(told, site / Path(told).name)


def _uv() -> str | None:
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else shutil.which("uv")


def _run(command: list[str], leg: EnvironmentLeg) -> None:
    told = without_secrets(os.environ)
    environment = {name: value for name, value in told.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
        said, status = done.stdout.decode(errors="replace").strip().splitlines(), done.returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        said, status = [str(error)], 1
    if status:
        why = said[-1].strip().removeprefix("cause: ").rstrip(".") if said else "the installer said nothing"
        raise Unavailable(
            f"The recorded environment cannot be installed: {why}.",
            mend="Let pip or uv know an index that has what is missing, or replay in this environment with --here; with"
            " --json, the facts hold more of what the installer said.",
            python=leg.python,
            said=said[-_SAID:],
        )
