"""A model without an ONNX form, all the way: trained in a child, proven, registered, and answering in a gateway."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pyarrow.compute as pc
import pytest

from homeostat.adapters.delta.tables import DeltaTables
from homeostat.adapters.files.routes import write_route
from homeostat.adapters.mlflow.registry import MlflowRegistry
from homeostat.adapters.mlflow.stores import Embedded
from homeostat.adapters.sqlite.online import SqliteOnlineStore
from homeostat.app.signing.trust import keyring
from homeostat.app.training.runner import TrainingRunner
from homeostat.app.versions.runtimes import load_runtime
from homeostat.kernel.clock import format_instant
from homeostat.serving.routing import Route
from homeostat.training.jobs import JobFolder, TrainingJob, TrainingResult
from tests.harness.ports import free_ports
from tests.harness.running import until
from tests.harness.signed import sign
from tests.harness.stores import with_mlflow
from tests.unit.training import toy
from tests.unit.training.toy import DAY

pytestmark = [pytest.mark.service, pytest.mark.slow]
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
from homeostat.app.gateway.door_parts import GatewaySettings
from homeostat.app.gateway.process import run
from homeostat.serving.plans import ServingPlan
from homeostat.web.doors import open_doors
from tests.unit.training.toy import loop
home = Path(sys.argv[1])
settings = GatewaySettings(home, int(sys.argv[2]), str(home / "recorder"), "http://127.0.0.1:1", clock="replay")
run(settings, [ServingPlan("toy", loop.question, loop.feature_set)], open_doors)
"""


RUNTIMES = {"v1": "lightgbm", "v2": "skops"}
ASKED = [("a", 0.5), ("b", -1.0), (None, None), ("never seen", 2.0)]


def trained(home: Path) -> dict[str, TrainingResult]:
    """A version for each runtime, trained in a child process on tables of real Delta versions."""
    store, stored = DeltaTables(home / "tables"), toy.history(days=14, per_day=80)
    versions = {name: store.append(name, rows, writer="test", upto=1) for name, rows in stored.items()}
    sequence = max(pc.max(rows["_sequence"]).as_py() for rows in stored.values())
    found = {}
    for version, runtime in RUNTIMES.items():
        file = home / f"loop_of_{runtime}.py"
        file.write_text(f"{LOOP_FILE}loop = make_loop({runtime})\n")
        job = TrainingJob(
            loop_file=str(file),
            loop="toy",
            version=version,
            tables=str(home / "tables"),
            table_versions=versions,
            sequence=sequence,
            since=None,
            cutoff=9 * DAY,
            as_of=20 * DAY,
            champion=None,
            min_rows=100,
        )
        found[version] = TrainingRunner(100.0).run(job, home / version)
    return found


@contextmanager
def gateway(home: Path) -> Iterator[httpx.Client]:
    """A client of a real gateway process."""
    online = SqliteOnlineStore(home / "online.sqlite")
    online.prepare([toy.loop.feature_set])
    online.close()
    port = free_ports()
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(home), str(port)], cwd=ROOT)
    headers = {"homeostat-now": format_instant(NOW)}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
            yield client
    finally:
        process.kill()
        process.wait()


def serves(client: httpx.Client, generation: int) -> bool:
    """Whether the gateway is there and has taken this route."""
    try:
        loops = client.get("/health/ready").json()["loops"]
    except httpx.TransportError:
        return False
    return bool(loops["toy"]["generation"] == generation)


def answers(client: httpx.Client) -> list[tuple[str, float]]:
    """Version and probability of each row asked."""
    at = format_instant(NOW)
    rows = [{"id": str(n), "at": at, "due": at, "shop": s, "size": size} for n, (s, size) in enumerate(ASKED)]
    reply = client.post("/loops/toy/predict", json={"rows": rows})
    assert reply.status_code == 200, reply.text
    return [(one["version"], one["probability"]) for one in reply.json()["predictions"]]


def test_models_without_an_onnx_form_are_trained_proven_registered_and_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    store = Embedded(with_mlflow(tmp_path) / "mlflow.sqlite", tmp_path / "mlflow-artifacts")
    registry = MlflowRegistry(store, tmp_path / "versions", keyring())
    for name, result in trained(tmp_path).items():
        form = result.version.form
        assert form is not None
        assert form.runtime == RUNTIMES[name]
        assert "has no ONNX form" in form.why
        assert f"served by {form.runtime}" in JobFolder(tmp_path / name).log.read_text()
        sign(JobFolder(tmp_path / name).staged)
        registry.add(result.version, JobFolder(tmp_path / name).staged)
    shops, sizes = zip(*ASKED, strict=True)
    columns = {"shop": shops, "size": sizes, "shop_delay_6h": [None] * 4, "shop_n_6h": [0.0] * 4}
    with gateway(tmp_path) as client:
        for generation, name in enumerate(RUNTIMES, start=1):
            expected = load_runtime(registry.folder("toy", name), "toy", name).predict(columns)
            write_route(tmp_path / "routes", Route("toy", generation, name))
            until(lambda wanted=generation: serves(client, wanted))  # type: ignore[misc]
            found = answers(client)
            assert {version for version, _ in found} == {name}
            np.testing.assert_allclose([probability for _, probability in found], expected, atol=1e-7)
