"""The environment of processes that run functions of the user: all that is theirs, and no secret of Homeostat's."""

from __future__ import annotations

from collections.abc import Mapping

from homeostat.app.processes.supervisor import quiet_environment

_OURS = "HOMEOSTAT_"
_PLACES = frozenset({"HOMEOSTAT_HOME", "HOMEOSTAT_KEYS", "HOMEOSTAT_SIGNATURES"})
"""Where things lie, and whose signatures count: a training proves the champion that it compares with."""
_SECRETS = frozenset(
    {
        *(f"MLFLOW_TRACKING_{name}" for name in ("USERNAME", "PASSWORD", "TOKEN")),
        *(f"OTEL_EXPORTER_OTLP_{name}HEADERS" for name in ("", "TRACES_")),
        "OPENLINEAGE_API_KEY",
    }
)
_SERVERS = frozenset({"MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"})


def without_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """Less the addresses of alerts, and what the registry and the collectors of traces and lineage are asked with.

    >>> without_secrets({"HOMEOSTAT_ALERTS_CHAT": "slack://a/b/c", "MLFLOW_TRACKING_TOKEN": "t", "AWS_PROFILE": "me"})
    {'AWS_PROFILE': 'me'}
    """
    return {name: value for name, value in variables.items() if not _secret(name, value)}


def environment_of_user_code() -> dict[str, str]:
    """That of a process that trains versions which are not registered, such as those of a back-test."""
    return {**without_secrets(quiet_environment()), "PYTHONHASHSEED": "0"}


def _secret(name: str, value: str) -> bool:
    if name in _SERVERS:
        return "@" in value  # a URL that holds its password
    return name in _SECRETS or (name.startswith(_OURS) and name not in _PLACES)
