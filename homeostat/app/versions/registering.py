"""Where versions are registered: in the home, or on an MLflow server that the user names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from homeostat.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from homeostat.app.home import Home
    from homeostat.registry.models import Registry

REGISTRY = "HOMEOSTAT_REGISTRY"
_UNPROVEN = {
    "MLFLOW_TRACKING_INSECURE_TLS": "MLFLOW_TRACKING_SERVER_CERT_PATH",
    "MLFLOW_S3_IGNORE_TLS": "AWS_CA_BUNDLE",
}
"""Variables with which MLflow's client looks at no certificate, and those that name one's own authority instead."""
_MEND = (
    "Give the server as https://mlflow.example.org. Who asks is told by MLFLOW_TRACKING_USERNAME and"
    " MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."
)


def chosen_registry(text: str | None, environment: Mapping[str, str]) -> str | None:
    """The server's URL as it is kept in the settings; None for the registry in the home.

    Raises: InvalidInput for a URL that is none or holds a secret, and where certificates would not be looked at.

    >>> chosen_registry("http://127.0.0.1:5000/", {})
    'http://127.0.0.1:5000'
    """
    if not text:
        return None
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or set(text) & set(" ?#@"):
        raise InvalidInput("--registry is no URL of an MLflow server.", mend=_MEND)
    for name, instead in _UNPROVEN.items():
        if environment.get(name, "").lower() in ("true", "1"):
            raise InvalidInput(
                f"With {name}, anybody on the way could be the registry.",
                mend=f"Unset it, and name the file of your authority's certificate in {instead}.",
            )
    return text.rstrip("/")


def open_registry(home: Home, url: str | None, environment: Mapping[str, str] = os.environ) -> Registry:
    """The registry of a home; its libraries, which take seconds to import, are imported with the first question."""
    from homeostat.adapters.mlflow.registry import MlflowRegistry
    from homeostat.adapters.mlflow.stores import Embedded, Server
    from homeostat.app.signing.trust import keyring

    server = chosen_registry(url, environment)
    embedded = Embedded(home.root / "mlflow.sqlite", home.root / "mlflow-artifacts")
    return MlflowRegistry(Server(server) if server else embedded, home.versions, keyring(environment))


def registry_of(home: Home) -> Registry:
    """The registry that the installation of a home was told to use."""
    return open_registry(home, home.told().get("registry"))
