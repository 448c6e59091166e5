"""A model without an ONNX form, all the way: trained in a child, proven, registered, and answering in a gateway."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pyarrow.compute as pc
import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.files.routes import write_route
from homeostat.adapters.mlflow.registry import MlflowRegistry
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.app.runtimes import load_runtime
from homeostat.app.training_runner import TrainingRunner
from homeostat.kernel.clock import format_instant
from homeostat.serving.routing import Route
from homeostat.training.jobs import JobFolder, TrainingJob
from tests.service.test_gateway import free_port, until
from tests.unit.training import toy
from tests.unit.training.toy import DAY

pytestmark = pytest.mark.service
ROOT = Path(__file__).parents[2]
NOW = 15 * DAY
LOOP_FILE = """
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, SplineTransformer
from tests.unit.training.toy import make_loop

def as_categories(rows):
    return rows.astype({"shop": "category"})

def lightgbm(rows, config):
    trees = LGBMClassifier(n_estimators=config["trees"], n_jobs=1, random_state=7, verbosity=-1)
    return make_pipeline(FunctionTransformer(as_categories), trees).fit(rows.features, rows.label)

def skops(rows, config):
    sizes = make_pipeline(SimpleImputer(), SplineTransformer())
    shop = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("shop", shop, ["shop"]), ("size", sizes, ["size"])])
    return make_pipeline(columns, LogisticRegression()).fit(rows.features, rows.label)

"""
SERVE = """
import sys
from pathlib import Path
from homeostat.app.door_parts import GatewaySettings
from homeostat.app.gateway_process import run
from homeostat.serving.plans import ServingPlan
from homeostat.web.doors import open_doors
from tests.unit.training.toy import loop
home = Path(sys.argv[1])
settings = GatewaySettings(home, int(sys.argv[2]), str(home / "recorder"), "http://127.0.0.1:1", clock="replay")
run(settings, [ServingPlan("toy", loop.question, loop.feature_set)], open_doors)
"""


def job_on(home: Path, train: str) -> TrainingJob:
    """A job on tables of real Delta versions, and a loop file with its training function."""
    file = home / "loop.py"
    file.write_text(f"{LOOP_FILE}loop = make_loop({train})\n")
    store, stored = DeltaTables(home / "tables"), toy.history(days=14, per_day=80)
    versions = {name: store.append(name, rows, writer="test", upto=1) for name, rows in stored.items()}
    sequence = max(pc.max(rows["_sequence"]).as_py() for rows in stored.values())
    return TrainingJob(
        loop_file=str(file),
        loop="toy",
        version="v1",
        tables=str(home / "tables"),
        table_versions=versions,
        sequence=sequence,
        since=None,
        cutoff=9 * DAY,
        as_of=20 * DAY,
        champion=None,
        min_rows=100,
    )


def serving(home: Path, ask: Callable[[httpx.Client], None]) -> None:
    """Route the loop to v1, and ask a real gateway."""
    online = SqliteOnlineStore(home / "online.sqlite")
    online.prepare([toy.loop.feature_set])
    online.close()
    write_route(home / "routes", Route("toy", 1, "v1"))
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(home), str(port)], cwd=ROOT)
    headers = {"homeostat-now": format_instant(NOW)}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
            until(lambda: process.poll() is not None or _ready(client))
            ask(client)
    finally:
        process.kill()
        process.wait()


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("runtime", ["lightgbm", "skops"])
def test_a_model_without_an_onnx_form_is_trained_proven_registered_and_answers(
    runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    result = TrainingRunner(100.0).run(job_on(tmp_path, runtime), tmp_path / "job")
    form = result.version.form
    assert form is not None
    assert form.runtime == runtime
    assert "has no ONNX form" in form.why
    assert f"served by {runtime}" in JobFolder(tmp_path / "job").log.read_text()
    registry = MlflowRegistry(tmp_path / "mlflow.sqlite", tmp_path / "mlflow-artifacts", tmp_path / "versions")
    registry.add(result.version, JobFolder(tmp_path / "job").staged)
    loaded = load_runtime(registry.folder("toy", "v1"), "v1")
    asked = [("a", 0.5), ("b", -1.0), (None, None), ("never seen", 2.0)]

    def ask(client: httpx.Client) -> None:
        at = format_instant(NOW)
        rows = [{"id": str(n), "at": at, "due": at, "shop": s, "size": size} for n, (s, size) in enumerate(asked)]
        reply = client.post("/loops/toy/predict", json={"rows": rows})
        assert reply.status_code == 200, reply.text
        answers = reply.json()["predictions"]
        assert {one["version"] for one in answers} == {"v1"}
        shops, sizes = zip(*asked, strict=True)
        columns = {"shop": shops, "size": sizes, "shop_delay_6h": [None] * 4, "shop_n_6h": [0.0] * 4}
        np.testing.assert_allclose([one["probability"] for one in answers], loaded.predict(columns), atol=1e-7)

    serving(tmp_path, ask)
