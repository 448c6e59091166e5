"""The prediction logs that say which rows versions were trained on stay readable."""

from __future__ import annotations

import json
from pathlib import Path

from homeostat.app.home import Home
from homeostat.app.tables.pinned import pinned, pinned_logs


def version(home: Home, name: str, **pin: object) -> None:
    folder = home.versions / "payments" / name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"pin": {"table_versions": {"asked": 3}, **pin}}))


def test_a_log_is_kept_at_the_versions_whose_draws_a_training_stood_on(tmp_path: Path) -> None:
    home = Home(tmp_path)
    version(home, "v1")
    version(home, "v2", feedback={"log_version": -1})
    version(home, "v3", feedback={"log_version": 7})
    version(home, "v4", feedback={"log_version": 9})
    assert pinned_logs(home) == {"payments": {7, 9}}
    assert pinned(home) == {"asked": {3}}
