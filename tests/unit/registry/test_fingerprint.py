from __future__ import annotations

from typing import Any

import pytest

from homeostat.kernel.canonical import digest
from homeostat.kernel.errors import InvalidInput
from homeostat.registry.fingerprint import config_hash, environment


def test_a_configs_hash_does_not_depend_on_the_order_of_its_keys() -> None:
    assert config_hash({"x": 1, "y": 2.5}) == config_hash({"y": 2.5, "x": 1}) != config_hash({"x": 2, "y": 2.5})


def test_keys_that_are_no_texts_are_others_than_their_texts_and_those_of_before_keep_their_hash() -> None:
    keys: list[Any] = ["1", 1, 1.0 + 1e-9, True, "True", None, "None"]
    assert len({config_hash({"deep": [{key: 0}]}) for key in keys}) == len(keys)
    assert config_hash({"x": {"1": 2}}) == digest({"x": {"1": 2}})


@pytest.mark.parametrize("config", [{"x": object()}, {"x": float("nan")}, {"x": {1: 0, "1": 0}}, {True: 0, "True": 1}])
def test_a_config_that_cannot_be_kept_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="config"):
        config_hash(config)


def test_the_environment_names_versions_and_what_is_absent() -> None:
    found = environment(["numpy", "no-such-distribution"])
    assert list(found) == ["machine", "no-such-distribution", "numpy", "python"]
    assert found["no-such-distribution"] is None
    assert found["numpy"] is not None
