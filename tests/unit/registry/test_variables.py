"""What is kept of a variable: enough to compare it, nothing of what opens a door."""

from __future__ import annotations

import pytest

from homeostat.cli.replay import _mend
from homeostat.registry.variables import Variable


@pytest.mark.parametrize(
    "name",
    ["PASSWORD", "PGPASSWORD", "MYSQL_PWD", "db_passwd", "AWS_SECRET_ACCESS_KEY", "API_KEY", "HF_TOKEN", "X_PASS"],
)
def test_of_a_secret_only_whether_it_is_set_is_kept(name: str) -> None:
    assert Variable.of(name, "short") == Variable.of(name, "renewed") == Variable(is_set=True)
    assert Variable.of(name, None) != Variable.of(name, "")


@pytest.mark.parametrize("name", ["ALPHA", "TOKENIZER", "COMPASS", "SORT_KEY", "PASSES"])
def test_of_others_a_digest_tells_values_and_names_apart(name: str) -> None:
    one, other = Variable.of(name, "1"), Variable.of(name, "2")
    assert one.digest is not None
    assert len({one.digest, other.digest, Variable.of(f"{name}_2", "1").digest, Variable.of(name, "").digest}) == 4
    assert one.value is None
    assert Variable.of(name, "1", declared=True).identity == one.identity


def test_a_replay_that_stops_says_what_to_set_and_what_can_be_installed() -> None:
    variable = {"what": "variable", "name": "ALPHA"}
    zone, package = {"what": "platform", "name": "timezone"}, {"what": "package", "name": "numpy"}
    assert _mend([variable]) == "Set ALPHA as it was. Or go on in this environment with --here."
    assert _mend([zone, variable, package]).startswith("Set TZ, ALPHA as they were. Go on in this environment with")
    assert _mend([package]).startswith("Go on in this environment with --here, or install")
