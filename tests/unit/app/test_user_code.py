"""Functions of the user get what is theirs, and no secret of Homeostat's."""

from __future__ import annotations

import pytest

from homeostat.app.processes.user_code import environment_of_user_code, without_secrets


@pytest.mark.parametrize(
    "name",
    [
        "HOMEOSTAT_ALERTS_CHAT",
        "HOMEOSTAT_ALERTS_FILE",
        "HOMEOSTAT_REGISTRY",
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
        "OPENLINEAGE_API_KEY",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    ],
)
def test_what_only_homeostat_needs_is_taken_away(name: str) -> None:
    assert without_secrets({name: "secret", "PATH": "/bin"}) == {"PATH": "/bin"}


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"])
def test_a_servers_address_stays_unless_it_holds_a_password(name: str) -> None:
    assert without_secrets({name: "https://mlflow.example.org"}) == {name: "https://mlflow.example.org"}
    assert without_secrets({name: "https://me:secret@mlflow.example.org"}) == {}


def test_what_is_the_users_stays_and_so_does_what_proves_versions() -> None:
    theirs = {"AWS_SECRET_ACCESS_KEY": "a", "SHOP_DATABASE": "postgresql://me:b@db/shop", "PGPASSWORD": "c"}
    places = {"HOMEOSTAT_HOME": "/srv/loop", "HOMEOSTAT_KEYS": "/srv/keys", "HOMEOSTAT_SIGNATURES": "require"}
    assert without_secrets({**theirs, **places}) == {**theirs, **places}


def test_trainings_beside_the_loop_get_no_secret_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    told = environment_of_user_code()
    assert "MLFLOW_TRACKING_TOKEN" not in told
    assert told["PYTHONHASHSEED"] == "0"
