"""A user's MLflow server whose files lie in S3: it passes them on, or tells its clients where in the bucket they go."""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pytest
from mlflow.store.artifact.s3_artifact_repo import _cached_get_s3_client

from homeostat.adapters.mlflow.brought import fetch_model
from homeostat.adapters.mlflow.stores import Server
from homeostat.app.versions.runtimes import load_runtime
from homeostat.kernel.errors import Unavailable, Untrusted
from homeostat.registry.models import Version
from homeostat.registry.probes import PROBES, Probes
from homeostat.training.jobs import JobFolder
from tests.harness.mlflow_server import PASSWORD, USER, MlflowServer, mlflow_server
from tests.harness.registered import Home, aliases_in_mlflow, client, made_in_mlflow
from tests.harness.s3 import BUCKET, SECRET, S3Server, may_use, s3_server
from tests.harness.wire import Wire, wire
from tests.unit.training.test_candidate import make

pytestmark = pytest.mark.service
LOOP = "toy"


@dataclass(frozen=True)
class Parts:
    """One S3 server, one MLflow server whose files lie there, and the way between S3 and everybody who asks it."""

    s3: S3Server
    mlflow: MlflowServer
    way: Wire
    job: JobFolder
    version: Version

    def s3_client(self) -> Any:
        """Somebody with the bucket's credentials."""
        return boto3.client("s3", endpoint_url=f"http://127.0.0.1:{self.s3.port}")

    def key_of(self, file: str) -> str:
        """The object that is this file of the version."""
        found = self.s3_client().list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return next(str(one["Key"]) for one in found if one["Key"].endswith(f"/version/{file}"))

    def put(self, file: str, content: bytes) -> None:
        """Somebody changes a file of the version in the bucket."""
        self.s3_client().put_object(Bucket=BUCKET, Key=self.key_of(file), Body=content)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    root = tmp_path_factory.mktemp("s3")
    version = make(root / "job").version
    with s3_server(root / "s3") as s3, wire(s3.port) as way:
        (root / "server").mkdir()
        with mlflow_server(root / "server", f"s3://{BUCKET}/through", may_use(way.port)) as running:
            yield Parts(s3, running, way, JobFolder(root / "job"), version)


@pytest.fixture(autouse=True)
def _known(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Who asks is known to both servers, as in the environment of the process that runs Homeostat."""
    known = {"MLFLOW_TRACKING_USERNAME": USER, "MLFLOW_TRACKING_PASSWORD": PASSWORD, **may_use(parts.way.port)}
    known |= {"MLFLOW_HTTP_REQUEST_TIMEOUT": "60", "MLFLOW_TRACKING_URI": parts.mlflow.url}
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    _forget()
    yield
    _forget()


def _forget() -> None:
    """As in a new process: who asked before is not remembered."""
    boto3.DEFAULT_SESSION = None
    _cached_get_s3_client.cache_clear()


@pytest.fixture(params=["through", "direct"])
def home(request: pytest.FixtureRequest, parts: Parts, tmp_path: Path) -> Home:
    """A home whose registry is the server, which is empty: files go through it, or straight to the bucket.

    What its clients are told is the place of the experiment, as where it was started with --no-serve-artifacts.
    """
    parts.mlflow.empty()
    shutil.rmtree(parts.s3.bucket)
    parts.s3.bucket.mkdir()
    home = Home(tmp_path / "home", Server(parts.mlflow.url), parts.s3.bucket)
    if request.param == "direct":
        client(home).create_experiment(LOOP, artifact_location=f"s3://{BUCKET}/direct")
    return home


def register(home: Home, parts: Parts) -> None:
    home.open().add(parts.version, parts.job.staged)


def load_by_alias() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of its own parts
        import mlflow.pyfunc
    return mlflow.pyfunc.load_model(f"models:/{LOOP}@champion")


def test_a_version_is_registered_named_loaded_proven_and_deleted(home: Home, parts: Parts) -> None:
    register(home, parts)
    home.open().mirror(LOOP, {"champion": "v1", "candidate": None, "standby": None})
    assert aliases_in_mlflow(home, LOOP) == {"champion": f"{LOOP}/v1"}
    source = str(client(home).get_model_version(LOOP, "1").source)
    assert source.startswith("s3://models/direct" if "direct" in parts.key_of("MLmodel") else "mlflow-artifacts:")
    shutil.rmtree(home.versions)  # as on another machine
    folder = home.open().folder(LOOP, "v1")
    probes = Probes.read((folder / PROBES).read_bytes())
    served = load_runtime(folder, LOOP, "v1").predict(probes.columns)
    columns = {name: list(values) for name, values in probes.columns.items()}
    assert load_by_alias().predict(pd.DataFrame(columns))["probability"].tolist() == served.tolist()
    parts.put("model.onnx", b"swapped in the bucket")
    with pytest.raises(Untrusted, match=r"model\.onnx is not what was registered"):
        load_by_alias()
    for refused in (home.open(), Home(home.root.parent / "third", home.store, home.artifacts).open()):
        with pytest.raises(Exception, match=r"model\.onnx"):
            refused.folder(LOOP, "v1", anew=True)
    assert load_runtime(home.open().folder(LOOP, "v1"), LOOP, "v1").predict(probes.columns).tolist() == served.tolist()
    home.open().delete(LOOP, "v1")
    assert home.open().list(LOOP) == []
    assert parts_there(parts) == 0


def test_a_store_that_goes_down_in_the_middle_leaves_nothing_half_registered(home: Home, parts: Parts) -> None:
    nowhere, there = 1, parts.way.to
    try:
        parts.way.lost = b"/version/probes.json"
        with pytest.raises(Unavailable) as middle:
            register(home, parts)
        parts.way.lost, parts.way.to = b"", nowhere
        with pytest.raises(Unavailable) as down:
            register(home, parts)
        assert 0 < parts_there(parts) < len(parts.version.files)
        assert home.open().list(LOOP) == []
        assert not (home.versions / LOOP / "v1").exists()
        with pytest.raises(Exception, match="No version 'v1'"):
            home.open().mirror(LOOP, {"champion": "v1"})
    finally:
        parts.way.lost, parts.way.to = b"", there
    for error in (middle.value, down.value):
        in_our_words(error)
    register(home, parts)
    assert made_in_mlflow(home, LOOP) == (1, 1)
    assert home.open().folder(LOOP, "v1", anew=True).is_dir()


def parts_there(parts: Parts) -> int:
    return sum(one.is_file() for one in parts.s3.bucket.rglob("*"))


def in_our_words(error: Unavailable) -> None:
    """What is wrong and what to do, without SQL, a stack trace or a secret."""
    told = str(error.to_dict())
    assert error.problem.startswith(("The registry, MLflow at ", "The store of files of the registry, MLflow at "))
    assert "asked again" in error.mend
    for word in (SECRET, PASSWORD, "Traceback", 'File "', "SELECT", "INSERT"):
        assert word not in told


@pytest.mark.parametrize("home", ["direct"], indirect=True)
@pytest.mark.parametrize(("secret", "said"), [("not to be seen", "SignatureDoesNotMatch"), (None, "credentials")])
def test_who_has_no_right_to_the_bucket_is_told_what_to_give(
    home: Home, parts: Parts, monkeypatch: pytest.MonkeyPatch, secret: str | None, said: str
) -> None:
    if secret is None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
    else:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    with pytest.raises(Unavailable, match=f"does not let us: .*{said}") as caught:
        register(home, parts)
    in_our_words(caught.value)
    assert "AWS_SECRET_ACCESS_KEY" in caught.value.mend
    assert "not to be seen" not in str(caught.value.to_dict())
    assert home.open().list(LOOP) == []


@pytest.mark.parametrize("home", ["direct"], indirect=True)
def test_what_lacks_to_reach_the_bucket_is_named_with_how_to_install_it(
    home: Home, parts: Parts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    register(home, parts)
    _forget()
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Unavailable, match="boto3 is needed to reach its files and is not installed") as caught:
        home.open().folder(LOOP, "v1", anew=True)
    assert "pip install 'homeostat[s3]'" in caught.value.mend
    with pytest.raises(Unavailable, match=r"boto3 .* not installed.*homeostat\[s3\]"):
        fetch_model(f"models:/{LOOP}/1", tmp_path, {".onnx"}, parts.mlflow.url)
