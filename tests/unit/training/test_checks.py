from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from homeostat.kernel.errors import Refused
from homeostat.training.checks import check_training_rows
from homeostat.training.rows import TrainingRows


def rows(count: int = 1_000, positive: int = 300, missing: int = 0, blank: int = 0) -> TrainingRows:
    size = np.ones(count, dtype=np.float32)
    size[:missing] = np.nan
    shop = pd.Series([""] * blank + ["a"] * (count - blank), dtype=object)
    label = np.arange(count) < positive
    return TrainingRows(pd.DataFrame({"size": size, "shop": shop}), label, np.arange(count))


def test_good_rows_pass() -> None:
    check_training_rows(rows(missing=900, blank=900), min_rows=1_000)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (rows(999), "999 labelled rows"),
        (rows(positive=3), "Only 3 of 1000 labels are True"),
        (rows(positive=1_000), "Only 0 of 1000 labels are False"),
        (rows(missing=1_000), "'size' is missing in 100.0%"),
        (rows(blank=990), "'shop' is missing in 99.0%"),
    ],
)
def test_rows_that_nothing_should_be_fitted_to_are_refused(bad: TrainingRows, said: str) -> None:
    with pytest.raises(Refused, match=said):
        check_training_rows(bad, min_rows=1_000)
