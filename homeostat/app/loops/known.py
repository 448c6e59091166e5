"""What a home remembers of the feature sets and environments it served with, so that old log rows stay readable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from homeostat.app.home import Home, write_whole
from homeostat.features.definitions import FeatureSet
from homeostat.features.logged import Logged, check_one_log
from homeostat.kernel.canonical import canonical_json, digest
from homeostat.kernel.errors import IntegrityError
from homeostat.registry.fingerprint import FEATURE_ENVIRONMENT, environment
from homeostat.stats.tasks import Multiclass, Task


def remember_features(home: Home, loops: Mapping[str, FeatureSet], tasks: Mapping[str, Task] | None = None) -> None:
    """Keep what each loop is served with from now on, under its hash; ``tasks`` of those that are not yes or no.

    Raises: InvalidInput, before anything is kept, when one does not go into one log with what was served before.
    """
    kept = [
        (home.definitions / name, _checked(home, name, _logged(features, (tasks or {}).get(name))))
        for name, features in loops.items()
    ]
    for folder, now in kept:
        _write(folder / f"{now.hash}.json", now.to_json())


def _logged(features: FeatureSet, task: Task | None) -> Logged:
    if isinstance(task, Multiclass):
        return Logged.of(features, task.name, task.classes)
    return Logged.of(features) if task is None else Logged.of(features, task.name)


def _checked(home: Home, loop: str, now: Logged) -> Logged:
    known = known_features(home, loop)
    for before in known.values():
        check_one_log(loop, now, before)
    if now.hash in known:  # columns of the question that no feature reads do not change the hash
        now = replace(now, question={**known[now.hash].question, **now.question})
    return now


def known_features(home: Home, loop: str) -> dict[str, Logged]:
    """Everything a loop was ever served with, by hash. Raises: IntegrityError for a file that was changed."""
    return {path.stem: _read(path) for path in sorted((home.definitions / loop).glob("*.json"))}


def remember_environment(home: Home) -> str:
    """Keep the versions of the libraries that compute features in this process; their hash, for its records."""
    found = environment(FEATURE_ENVIRONMENT)
    name = digest(found)
    path = home.environments / f"{name}.json"
    if not path.exists():
        _write(path, found)
    return name


def known_environment(home: Home, name: str) -> dict[str, str | None] | None:
    """The library versions behind a hash; None for one that was never kept here."""
    path = home.environments / f"{name}.json"
    found: dict[str, str | None] | None = json.loads(path.read_bytes()) if path.is_file() else None
    return found


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, canonical_json(value))


def _read(path: Path) -> Logged:
    try:
        found = Logged.from_json(json.loads(path.read_bytes()))
    except (ValueError, TypeError, KeyError) as error:
        raise IntegrityError(f"{path} is no feature set.", mend="Restore it from a backup.", file=str(path)) from error
    return found
