"""Which registry a user may name, and that no command forgets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from homeostat.app.home import Home
from homeostat.app.versions.registering import chosen_registry, registry_of
from homeostat.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    "text",
    [
        "mlflow.example.org",
        "ftp://mlflow.example.org",
        "http://",
        "http://host:99999",
        "http://host:0",
        "https://me:secret@mlflow.example.org",
        "https://mlflow.example.org/?token=secret",
        "https://mlflow.example.org/#part",
        "https://ml flow.example.org",
        "sqlite:///mlflow.sqlite",
        "databricks",
    ],
)
def test_what_is_no_server_is_refused_without_its_secret(text: str) -> None:
    with pytest.raises(InvalidInput, match="MLFLOW_TRACKING_TOKEN") as caught:
        chosen_registry(text, {})
    assert "secret" not in str(caught.value.to_dict())


def test_a_server_may_have_a_path_and_none_is_the_home() -> None:
    assert chosen_registry("https://example.org/mlflow/", {}) == "https://example.org/mlflow"
    assert chosen_registry(None, {}) is None
    assert chosen_registry("", {}) is None


@pytest.mark.parametrize(
    ("variable", "instead"),
    [("MLFLOW_TRACKING_INSECURE_TLS", "MLFLOW_TRACKING_SERVER_CERT_PATH"), ("MLFLOW_S3_IGNORE_TLS", "AWS_CA_BUNDLE")],
)
def test_certificates_are_always_looked_at(variable: str, instead: str) -> None:
    with pytest.raises(InvalidInput, match=instead):
        chosen_registry("https://example.org", {variable: "true"})


def test_commands_ask_the_registry_that_the_installation_was_told_of(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"registry": None}))
    assert registry_of(Home(tmp_path))._store.name == str(tmp_path / "mlflow.sqlite")  # type: ignore[attr-defined]
    (tmp_path / "settings.json").write_text(json.dumps({"registry": "http://127.0.0.1:5000"}))
    assert registry_of(Home(tmp_path))._store.name == "http://127.0.0.1:5000"  # type: ignore[attr-defined]
