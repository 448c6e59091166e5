"""Runs the checks of a change, one after the other; a check that ends in an error says so and the next one goes on."""

from __future__ import annotations

import subprocess
import time
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path

from homeostat.app.ci import data_checks, model_checks
from homeostat.app.ci.material import Material
from homeostat.app.ci.pairs import Paired, pair
from homeostat.governance.ci import FAIL, UNKNOWN, Check, CiLimits, CiReport
from homeostat.kernel.errors import HomeostatError, NotEnoughData, NotFound, Unavailable
from homeostat.training.jobs import TrainingResult

Progress = Callable[[str, int, int], None]
NAMES = (
    "contracts",
    "parity",
    "leakage",
    "reproducible",
    "training",
    "quality",
    "champion",
    "slices",
    "skew",
    "signature",
    "size",
)
_NEEDS_TRAINING = ("quality", "champion", "slices", "skew", "size")
_LOG_LINES = 30
_NOT_KNOWN = (NotEnoughData, NotFound, Unavailable)


def run_checks(
    material: Material, limits: CiLimits, rows: int, allowed: tuple[str, ...], progress: Progress
) -> CiReport:
    """All checks, on at most ``rows`` rows to train on and a fifth of that twice; nothing of the home is changed."""
    made: list[TrainingResult] = []

    def training() -> Check:
        made.append(material.train(model_checks.TRAINED, rows, judged=True))
        return model_checks.trained(made[0])

    @cache
    def paired() -> Paired | None:
        folder = material.champion_folder
        return None if folder is None else pair(material, material.staged(model_checks.TRAINED), folder)

    doing: dict[str, Callable[[], Check]] = {
        "contracts": lambda: data_checks.contracts(material),
        "parity": lambda: data_checks.parity(material),
        "leakage": lambda: data_checks.leakage(material),
        "reproducible": lambda: model_checks.reproducible(material, max(1, rows // 5)),
        "training": training,
        "quality": lambda: model_checks.quality(material, made[0]),
        "champion": lambda: model_checks.champion(material, paired(), limits),
        "slices": lambda: model_checks.slices(material, paired()),
        "skew": lambda: model_checks.skew(material, made[0]),
        "signature": lambda: model_checks.signature(material),
        "size": lambda: model_checks.size(material, made[0], limits),
    }
    checks = []
    for place, name in enumerate(NAMES):
        progress(name, place, len(NAMES))
        if name in _NEEDS_TRAINING and not made:
            checks.append(Check(name, UNKNOWN, ("the training it needs made no version",)))
        else:
            checks.append(_timed(name, doing[name]))
    progress("done", len(NAMES), len(NAMES))
    return CiReport(material.loop.name, commit_of(material.loop_file), tuple(checks), allowed)


def _timed(name: str, check: Callable[[], Check]) -> Check:
    began = time.monotonic()
    try:
        found = check()
    except HomeostatError as error:
        found = ended_in(name, error)
    except Exception as error:  # a fault of one check is no reason to tell nothing of the others
        traceback.print_exc()
        found = Check(name, UNKNOWN, (f"the check itself failed: {type(error).__name__}: {error}",))
    return found.after(time.monotonic() - began)


def ended_in(name: str, error: HomeostatError) -> Check:
    """The log that an error names goes with the folder that it lies in, so the check keeps its end."""
    outcome = UNKNOWN if isinstance(error, _NOT_KNOWN) else FAIL
    reason, facts = f"{error.problem} {error.mend}", {"error": error.code}
    log = Path(str(error.facts.get("log", "")))
    if not log.is_file():
        return Check(name, outcome, (reason,), facts)
    tail = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return Check(name, outcome, (reason.replace(str(log), "the log below"),), {**facts, "log": tail})


def commit_of(file: Path) -> str | None:
    """The commit that the file's folder is at, with ``-dirty`` where anything differs from it; None without one."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        told = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)
    except OSError:  # git is not installed here
        return None
    return told.stdout.strip() or None if told.returncode == 0 else None
