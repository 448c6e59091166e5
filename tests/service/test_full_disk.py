"""On a disk that is really full nothing acknowledged is lost and nothing is half done, and with room it goes on.

A small file system in a mount namespace of its own, which ends with the process. Where the machine allows nobody to
mount one, no package mends it: these tests are then skipped by name, in CI too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import RequirePart
from tests.harness.stores import with_mlflow
from tests.service.full_disk import SCENARIOS

pytestmark = pytest.mark.service
ROOT = Path(__file__).parents[2]
MIB = 48


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, require_part: RequirePart) -> dict[str, str]:
    """What each scenario came to."""
    unshare = require_part("unshare", "apt-get install util-linux")
    folder = tmp_path_factory.mktemp("disk")
    with_mlflow(tmp_path_factory.mktemp("made"))  # so that none is made in there
    own = [unshare, "--mount"] if os.geteuid() == 0 else [unshare, "--mount", "--map-root-user"]
    mount = f'mount -t tmpfs -o size={MIB}m tmpfs "$0"'
    if subprocess.run([*own, "sh", "-c", mount, str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("This test mounts a small file system, which this machine does not allow. Run it as root.")
    script = [*own, "sh", "-c", f'{mount} && exec "$1" -m tests.service.full_disk "$0"', str(folder), sys.executable]
    told = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(script, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("what", SCENARIOS)
def test_a_full_disk_loses_nothing_and_leaves_nothing_half_done(found: dict[str, str], what: str) -> None:
    assert found[what] == "", found[what]
