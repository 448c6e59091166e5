"""What a person finds who asks for traces that cannot be sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness.world import write_loop
from tests.unit.cli.conftest import Command


@pytest.mark.parametrize(
    ("words", "environment", "named"),
    [
        (("--otlp-endpoint", "collector:4318"), {}, "--otlp-endpoint"),
        (("--trace-share", "1.5"), {}, "--trace-share"),
        ((), {"OTEL_EXPORTER_OTLP_ENDPOINT": "here"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (("--otlp-endpoint", "http://h"), {"OTEL_TRACES_SAMPLER": "always_off"}, "OTEL_TRACES_SAMPLER"),
    ],
)
def test_the_start_is_refused_in_words_and_nothing_is_made(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    environment: dict[str, str],
    named: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = command("up", write_loop(tmp_path), "--home", tmp_path / "home", "--json", *words)
    error = json.loads(done.stdout)["error"]
    assert (done.exit_code, error["code"]) == (1, "invalid_input")
    assert named in error["problem"]
    assert error["mend"]
    assert not (tmp_path / "home").exists()
