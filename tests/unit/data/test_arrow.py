"""Arrow does without pandas until somebody imports it, and knows of it from then on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from homeostat.adapters.delta.tables import DeltaTables
import pyarrow as pa
assert pa.array([1, 2]).to_pylist() == [1, 2]
assert "pandas" not in sys.modules, "reading tables loads pandas"
import pandas as pd
assert pa.array(pd.Series(["a", None])).null_count == 1, "Arrow does not know a series"
assert pa.table({"a": ["b"]}).to_pandas().equals(pd.DataFrame({"a": ["b"]}))
"""


def test_pandas_is_loaded_by_who_needs_it_alone(root: Path) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT], cwd=root, check=True)
