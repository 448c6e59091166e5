"""Addresses come from the environment or from a file that others may not read, and appear nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.app.alerting.addresses import Addresses
from homeostat.app.home import Home
from homeostat.kernel.errors import InvalidInput, NotFound
from homeostat.monitoring.alerts.declared import Alerts

SECRET = "s3cret"
URL = f"slack://{SECRET}/a/b"


def written(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def test_both_ways_are_read_and_the_environment_comes_first(tmp_path: Path) -> None:
    home = Home(tmp_path)
    written(home.addresses, f"# whom to tell\n\nchat = {URL}\npager = pagerduty://x@y\n")
    found = Addresses.read(home, {"HOMEOSTAT_ALERTS_CHAT": "json://here/", "HOMEOSTAT_ALERTS_ON_CALL": URL, "X": "y"})
    assert found.names == ("chat", "on-call", "pager")
    assert (found.url("chat"), found.url("on-call")) == ("json://here/", URL)
    assert SECRET not in repr(found) + str(found)
    assert Addresses.read(Home(tmp_path / "none"), {}).names == ()


def test_another_file_may_be_named_and_must_be_there(tmp_path: Path) -> None:
    written(tmp_path / "mine", f"chat={URL}")
    home = Home(tmp_path)
    assert Addresses.read(home, {"HOMEOSTAT_ALERTS_FILE": str(tmp_path / "mine")}).names == ("chat",)
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        Addresses.read(home, {"HOMEOSTAT_ALERTS_FILE": str(tmp_path / "gone")})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    written(tmp_path / "addresses", f"chat={URL}", mode)
    with pytest.raises(InvalidInput, match="Others may read") as told:
        Addresses.read(Home(tmp_path), {})
    assert told.value.mend.startswith("Run: chmod 600")


@pytest.mark.parametrize(
    "text", [URL, f"chat: {URL}", f"Chat = {URL}", f"{SECRET} x = {URL}", f"chat = {SECRET}", f"chat = {SECRET} {URL}"]
)
def test_what_cannot_be_meant_is_told_by_its_line_without_what_it_says(tmp_path: Path, text: str) -> None:
    written(tmp_path / "addresses", f"\n{text}\n")
    with pytest.raises(InvalidInput, match="line 2") as told:
        Addresses.read(Home(tmp_path), {})
    assert SECRET not in str(told.value.to_dict())


def test_a_variable_that_is_no_address_is_named_without_its_value(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="HOMEOSTAT_ALERTS_CHAT") as told:
        Addresses.read(Home(tmp_path), {"HOMEOSTAT_ALERTS_CHAT": SECRET})
    assert SECRET not in str(told.value.to_dict())


def test_an_unknown_name_is_told_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="HOMEOSTAT_ALERTS_CHAT"):
        Addresses.read(Home(tmp_path), {}).url("chat")
    with pytest.raises(NotFound, match="Did you mean 'chat'"):
        Addresses.read(Home(tmp_path), {"HOMEOSTAT_ALERTS_CHAT": URL}).url("chatt")


def test_who_gets_what_follows_the_severity_and_only_configured_names_do() -> None:
    declared = Alerts(to={"P0": ["pager", "chat"], "P1": "chat", "P3": "gone"})
    configured = ["chat", "fallback", "pager"]
    found = {severity: declared.recipients(severity, configured) for severity in ("P0", "P1", "P2", "P3")}
    assert found == {"P0": ("pager", "chat"), "P1": ("chat",), "P2": (), "P3": ()}
    assert declared.named() == ("pager", "chat", "gone")
    assert Alerts().recipients("P2", configured) == ("chat", "pager")
    assert Alerts().recipients("P0", ["fallback"]) == ("fallback",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": {"P4": "chat"}},
        {"acknowledge": {"P1": "soon"}},
        {"acknowledge": {"p1": "1h"}},
        {"severity": {"drifft": "P1"}},
        {"severity": {"drift": "P9"}},
        {"missing": 0.0},
        {"quarantined": 1.5},
        {"drift": float("nan")},
    ],
)
def test_what_a_loop_says_of_alerts_is_checked_when_it_is_made(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Alerts(**wrong)  # type: ignore[arg-type]
