"""A loop is checked as a whole when it is made."""

from __future__ import annotations

import pytest

from homeostat.control.loop import RUNTIMES
from homeostat.kernel.errors import InvalidInput
from tests.unit.control.rig import loop_of


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_loop_may_say_what_serves_it(runtime: str) -> None:
    assert loop_of(runtime=runtime).runtime == runtime


def test_a_runtime_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match="no runtime 'pickle'") as refused:
        loop_of(runtime="pickle")
    assert refused.value.mend == "Choose one of auto, onnx, native, skops."
