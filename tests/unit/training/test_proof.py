"""What serves is compared on odd rows too: each feature missing, each text never seen, whatever their number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from homeostat.kernel.errors import Refused
from homeostat.registry.models import Kind
from homeostat.stats.tasks import Regression
from homeostat.training.proof import prove


class Sums:
    """Adds up its numbers; what is missing counts as ``missing``, and where column ``odd`` is missing it fails."""

    def __init__(self, odd: str = "", missing: float = -1.0) -> None:
        self.odd, self.missing = odd, missing
        self.seen: list[pd.DataFrame] = []

    def predict(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        if self.odd and frame[self.odd].isna().any():
            raise ValueError("Input contains NaN.")
        self.seen.append(frame)
        return frame.select_dtypes("number").fillna(self.missing).sum(axis=1).to_numpy(dtype=np.float64)

    def serve(self, columns: Any) -> NDArray[np.float64]:
        return self.predict(pd.DataFrame(dict(columns)))


def rows(features: int, many: int) -> pd.DataFrame:
    drawn = np.random.default_rng(0).normal(size=(many, features)).astype(np.float32)
    return pd.DataFrame(drawn, columns=[f"x{place}" for place in range(features)])


def kinds(frame: pd.DataFrame) -> dict[str, Kind]:
    return {str(name): "number" if frame[name].dtype.kind == "f" else "text" for name in frame}


def test_each_feature_is_tried_missing_and_each_text_never_seen() -> None:
    frame = rows(3, 300).assign(shop=["a", "b", "c"] * 100)
    made = Sums()
    proof = prove(made, made.serve, frame, kinds(frame), task=Regression())
    probes = pd.concat(made.seen[len(made.seen) // 2 - 1 :])
    assert proof.rows == 300 + 5 * 300
    assert [int(probes[name].isna().sum()) for name in ("x0", "x1", "x2")] == [300 * 2] * 3
    assert set(probes["shop"]) == {"a", "b", "c", "", "\x00never seen in training"}


def test_a_form_that_takes_a_missing_value_otherwise_is_refused() -> None:
    frame = rows(3, 300)
    with pytest.raises(Refused, match=r"differ by .* on 900 of 900 rows"):
        prove(Sums(), Sums(missing=0.0).serve, frame, kinds(frame), task=Regression())


def test_what_the_estimator_itself_cannot_take_is_left_out_and_nothing_else() -> None:
    frame = rows(3, 300)
    made = Sums(odd="x1")
    assert prove(made, Sums().serve, frame, kinds(frame), task=Regression()).rows == 300 + 2 * 300
    with pytest.raises(Refused, match="on 300 of 300 rows"):
        prove(made, Sums(missing=0.0).serve, frame, kinds(frame), task=Regression())


def test_many_features_are_probed_on_fewer_rows_each_and_in_few_calls() -> None:
    frame = rows(800, 256)
    made = Sums()
    proof = prove(made, made.serve, frame, kinds(frame), task=Regression())
    assert 16 * 800 <= proof.rows - 256 < 64 * 800
    assert len(made.seen) < 12
    missing = {name for seen in made.seen for name in seen.columns[seen.isna().any()]}
    assert missing == set(frame)
