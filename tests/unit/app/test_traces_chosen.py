"""Whether there are traces and where they go: what is asked for is done, or refused with what to do."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest

from homeostat.app.tracing.choosing import Traces, chosen_traces
from homeostat.kernel.errors import InvalidInput

BASE, WHOLE = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
HERE, THERE = "http://127.0.0.1:4318", "https://collector.example:4318/in"


def test_there_are_none_unless_somebody_asks() -> None:
    assert chosen_traces(None, None, {"PATH": "/bin", "OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER": "odd"}) is None
    assert chosen_traces(None, 1.0, {}) is None
    assert chosen_traces(None, None, {BASE: " "}) is None


@pytest.mark.parametrize(
    ("flag", "environment", "endpoint"),
    [
        (HERE, {}, f"{HERE}/v1/traces"),
        (f"{HERE}/", {}, f"{HERE}/v1/traces"),
        (THERE, {}, THERE),
        (HERE, {BASE: THERE, WHOLE: THERE}, f"{HERE}/v1/traces"),
        (HERE, {"OTEL_TRACES_EXPORTER": "none"}, f"{HERE}/v1/traces"),
        (None, {BASE: HERE}, f"{HERE}/v1/traces"),
        (None, {BASE: f"{THERE}/"}, f"{THERE}/v1/traces"),
        (None, {BASE: HERE, WHOLE: THERE}, THERE),
        (None, {WHOLE: HERE}, HERE),
        (None, {BASE: HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, f"{HERE}/v1/traces"),
        (None, {BASE: HERE, "OTEL_TRACES_EXPORTER": "otlp"}, f"{HERE}/v1/traces"),
    ],
)
def test_a_flag_comes_before_a_variable_and_a_base_gets_the_standards_path(
    flag: str | None, environment: Mapping[str, str], endpoint: str
) -> None:
    assert chosen_traces(flag, None, environment) == Traces(endpoint, 0.01)


@pytest.mark.parametrize(
    ("flag", "environment"),
    [
        (None, {BASE: HERE, "OTEL_TRACES_EXPORTER": "none"}),
        (None, {BASE: HERE, "OTEL_SDK_DISABLED": "true"}),
        (HERE, {"OTEL_SDK_DISABLED": "TRUE"}),
    ],
)
def test_the_standards_ways_to_switch_it_off_do(flag: str | None, environment: Mapping[str, str]) -> None:
    assert chosen_traces(flag, None, environment) is None


@pytest.mark.parametrize(
    ("flag", "environment", "share"),
    [
        (None, {}, 0.01),
        (0.0, {}, 0.0),
        (1.0, {"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, 1.0),
        (None, {"OTEL_TRACES_SAMPLER": "parentbased_always_on"}, 1.0),
        (None, {"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, 0.0),
        (None, {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, 0.25),
        (None, {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}, 1.0),
    ],
)
def test_the_share_is_the_flags_or_the_standard_samplers(
    flag: float | None, environment: Mapping[str, str], share: float
) -> None:
    assert chosen_traces(HERE, flag, environment) == Traces(f"{HERE}/v1/traces", share)


@pytest.mark.parametrize(
    "url",
    [
        *("", "collector", "collector:4318", "ftp://h", "http://", "http://:4318", "http://h:0", "http://h:x"),
        *("http://h:99999", "http://me:secret@h", "http://h/?key=secret", "http://h/#x", "http://h /", "http://h\x00"),
    ],
)  # fmt: skip
def test_what_is_no_endpoint_is_refused_without_quoting_its_secrets(url: str) -> None:
    for flag, environment in ((url, {}), (None, {BASE: url, WHOLE: HERE} if not url else {BASE: url})):
        if flag is None and not url:
            continue
        with pytest.raises(InvalidInput) as caught:
            chosen_traces(flag, None, environment)
        assert "secret" not in f"{caught.value} {caught.value.facts}"


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_share_outside_0_to_1_is_refused_even_without_an_endpoint(share: float) -> None:
    with pytest.raises(InvalidInput, match="--trace-share"):
        chosen_traces(None, share, {})


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin", "otlp or none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "http/protobuf"),
        ("OTEL_TRACES_SAMPLER", "always_on", "parentbased"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10000", "seconds"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "soon", "seconds"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "deflate", "gzip"),
    ],
)
def test_a_variable_that_cannot_be_obeyed_is_refused_by_name(name: str, value: str, mend: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        chosen_traces(None, None, {BASE: HERE, name: value})
    assert name in caught.value.problem
    assert mend in caught.value.mend


@pytest.mark.parametrize("ratio", ["2", "half", "nan"])
def test_a_ratio_that_is_none_is_refused(ratio: str) -> None:
    told = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio}
    with pytest.raises(InvalidInput, match="OTEL_TRACES_SAMPLER_ARG"):
        chosen_traces(HERE, None, told)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.proto", None)
    with pytest.raises(InvalidInput) as caught:
        chosen_traces(HERE, None, {})
    assert "homeostat[otel]" in caught.value.mend
    assert chosen_traces(None, None, {}) is None
