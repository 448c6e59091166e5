"""Where the user's code reads the time of day: in functions as they run, and in what runs when it is loaded."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from homeostat.app.pipeline.clock_reads import ClockReads


@pytest.mark.parametrize(
    "read",
    [
        "time.time()",
        "datetime.now()",
        "date.today()",
        "pd.Timestamp.now()",
        "pd.Timestamp.now(tz='UTC')",
        "pd.Timestamp.today()",
        "Of_ours.now()",
    ],
)
def test_a_function_that_asks_for_the_time_is_told_with_its_line(read: str, tmp_path: Path) -> None:
    file = tmp_path / "loop.py"
    file.write_text(
        "import time\nimport pandas as pd\nfrom datetime import date, datetime\nclass Of_ours(datetime): ...\n"
        f"def train():\n    pd.Timestamp('2026-01-01').now\n    return {read}\n"
    )
    train, seen = runpy.run_path(str(file))["train"], ClockReads({str(file)})
    kinds = [vars(pd.Timestamp)[name] for name in ("now", "today", "utcnow")]
    assert seen.during(train)
    assert seen.places == ["loop.py, line 7"]
    assert [vars(pd.Timestamp)[name] for name in ("now", "today", "utcnow")] == kinds
    elsewhere = ClockReads({str(tmp_path / "other.py")})
    elsewhere.during(train)
    assert elsewhere.places == []


def test_a_time_that_is_kept_when_the_file_is_loaded_is_found(tmp_path: Path) -> None:
    file = tmp_path / "loop.py"
    file.write_text(
        "import numpy as np\nNOW = datetime.now()\nclass Kept:\n    at = [np.datetime64('now')]\n"
        "def later():\n    return datetime.now()\nlazy = lambda: time.time()\n"
        "if __name__ == '__main__':\n    print(time.time())\nTHEN = np.datetime64('2026-01-01')\n"
    )
    seen = ClockReads({str(file), str(tmp_path / "gone.py")})
    seen.when_loaded()
    assert sorted(seen.places) == ["loop.py, line 2", "loop.py, line 4"]


def test_an_array_that_has_methods_of_its_own_is_no_clock() -> None:
    seen = ClockReads({__file__})
    assert seen.during(lambda: float(np.arange(3.0).mean())) == 1.0
    assert seen.places == []
