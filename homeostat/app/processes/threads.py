"""How many threads the numeric libraries of a process of ours may use."""

from __future__ import annotations

from collections.abc import Mapping

ONE_THREAD: Mapping[str, str] = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""The environment in which they use one: on small matrices more of them mostly wait in a loop."""
