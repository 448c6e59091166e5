"""Whether there are traces, and where they go: a flag of ours, or the standard's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import urlsplit

from homeostat.kernel.errors import InvalidInput

DEFAULT_SHARE = 0.01
_ENDPOINT, _WHOLE = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
_SAMPLER, _SAMPLER_ARG = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
_COMPRESSIONS = ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION")
_OFF = "Unset it, or set OTEL_SDK_DISABLED=true for no traces."
_PATH = "/v1/traces"
_EXTRA = ("opentelemetry.proto", "requests")


@dataclass(frozen=True, slots=True)
class Traces:
    """Where traces go, as a whole URL, and the share of those that begin here which are kept."""

    endpoint: str
    share: float


def chosen_traces(endpoint: str | None, share: float | None, environment: Mapping[str, str]) -> Traces | None:
    """What flags and variables ask for; None where they ask for no traces.

    A flag is obeyed before a variable, and OTEL_SDK_DISABLED before both. What is asked for is done or refused.
    Raises: InvalidInput for a value that cannot be meant or obeyed, or without ``homeostat[otel]``.
    """
    told = {name: value for name, value in environment.items() if name.startswith("OTEL_") and value.strip()}
    flagged = share if share is None else _share(share, "--trace-share", "Give a number from 0 to 1, such as 0.01.")
    place = _endpoint(endpoint, told)
    if place is None:
        return None
    _check_protocol(told)
    _check_timeout(told)
    _check_compression(told)
    found = Traces(place, _sampled(told) if flagged is None else flagged)
    _check_installed()
    return found


def _endpoint(flag: str | None, told: Mapping[str, str]) -> str | None:
    whole = None if flag is None else _with_path(_url(flag, "--otlp-endpoint", "Give it as http://127.0.0.1:4318."))
    if told.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if whole is not None:
        return whole
    exporter = told.get("OTEL_TRACES_EXPORTER", "otlp").strip()
    if exporter == "none" or not (_WHOLE in told or _ENDPOINT in told):
        return None
    if exporter != "otlp":
        raise _refused("OTEL_TRACES_EXPORTER", exporter, "Traces are sent by otlp alone: set it to otlp or none.")
    if _WHOLE in told:
        return _url(told[_WHOLE], _WHOLE, _OFF)
    return _url(told[_ENDPOINT], _ENDPOINT, _OFF).rstrip("/") + _PATH


def _with_path(url: str) -> str:
    """A URL without a path gets the standard's."""
    return url.rstrip("/") + _PATH if urlsplit(url).path in ("", "/") else url


def _url(text: str, name: str, mend: str) -> str:
    text = text.strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or set(text) & set(" ?#@"):
        raise InvalidInput(f"{name} is no URL of a collector (http or https, host, port).", mend=mend, name=name)
    return text


def _share(share: float, name: str, mend: str) -> float:
    if not 0 <= share <= 1:  # NaN neither
        raise InvalidInput(f"{name} {share} is no share of traces.", mend=mend, share=share)
    return share


def _sampled(told: Mapping[str, str]) -> float:
    sampler = told.get(_SAMPLER)
    if sampler is None:
        return DEFAULT_SHARE
    fixed = {"parentbased_always_on": 1.0, "parentbased_always_off": 0.0}.get(sampler)
    if fixed is not None:
        return fixed
    if sampler != "parentbased_traceidratio":
        raise _refused(_SAMPLER, sampler, "Callers decide, so parentbased_traceidratio, _always_on or _always_off.")
    given = told.get(_SAMPLER_ARG, "1")
    mend = f"Set {_SAMPLER_ARG} to a number from 0 to 1."
    try:
        return _share(float(given), _SAMPLER_ARG, mend)
    except ValueError:
        raise _refused(_SAMPLER_ARG, given, mend) from None


def _check_protocol(told: Mapping[str, str]) -> None:
    name = next((name for name in _PROTOCOLS if name in told), None)
    if name is not None and told[name].strip() != "http/protobuf":
        raise _refused(name, told[name], "Set it to http/protobuf, and the endpoint to the collector's port for it.")


def _check_timeout(told: Mapping[str, str]) -> None:
    for name in _TIMEOUTS:
        try:
            good = 0 < float(told.get(name, "10")) <= 3_600
        except ValueError:
            good = False
        if not good:
            raise _refused(name, told[name], "Give seconds, such as 10.")


def _check_compression(told: Mapping[str, str]) -> None:
    for name in _COMPRESSIONS:
        if told.get(name, "none").strip() not in ("none", "gzip"):
            raise _refused(name, told[name], "Set it to gzip or none.")


def _check_installed() -> None:
    if not all(_found(name) for name in _EXTRA):
        mend = "Install it with: pip install 'homeostat[otel]'. Or set OTEL_SDK_DISABLED=true for no traces."
        raise InvalidInput("What sends traces is not installed.", mend=mend)


def _found(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):
        return False


def _refused(name: str, value: str, mend: str) -> InvalidInput:
    return InvalidInput(f"{name}={value[:100]} cannot be obeyed.", mend=mend, name=name)
