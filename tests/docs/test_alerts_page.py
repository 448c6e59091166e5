"""The page on alerts says what the rules are."""

from __future__ import annotations

import re

import pytest

from homeostat.kernel.clock import duration
from homeostat.monitoring.alerts.declared import CLOCKS, Alerts
from homeostat.monitoring.alerts.deliveries import WAITS
from homeostat.monitoring.alerts.folding import ESCALATIONS
from homeostat.monitoring.alerts.rules import RULES
from tests.harness.running import ROOT

PAGE = (ROOT / "docs" / "alerts.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| (P\d(?:, P\d)?) \|", PAGE, re.MULTILINE))


def test_every_rule_is_on_the_page_and_no_other() -> None:
    assert ROWS.keys() == RULES.keys()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_the_severity_that_the_page_says(name: str) -> None:
    rule = RULES[name]
    assert ROWS[name] == (f"{rule.severity}, {rule.worse}" if rule.worse else rule.severity)


def test_clocks_and_waits_are_those_of_the_page() -> None:
    words = {"15m": "15 minutes", "1h": "1 hour", "1d": "1 day", "7d": "7 days"}
    times = {3: "3 times", 1: "once", 0: "never"}
    for severity, clock in CLOCKS.items():
        assert f"| {severity} | {words[clock]} | {times[ESCALATIONS[severity]]} |" in PAGE
    assert "after 10 s, 30 s, 2 min, 10 min, 30 min, then hourly" in PAGE
    assert tuple(duration(text) for text in ("10s", "30s", "2m", "10m", "30m", "1h")) == WAITS


def test_the_example_of_the_page_runs() -> None:
    [text] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    known: dict[str, object] = {}
    exec(text, known)
    assert isinstance(known["alerts"], Alerts)
