"""What estimates before labels are held against, run by an interpreter that has it: ``python labelfree_peers.py FILE``.

FILE is a Parquet table of rows with ``day``, ``score``, ``label`` and ``reference``. Tells JSON in its last line: by
day, the AUC and accuracy that nannyml's confidence-based estimator expects, everything at its default.
"""

from __future__ import annotations

import json
import os
import sys
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
warnings.filterwarnings("ignore")

import pandas as pd  # noqa: E402


def main() -> None:
    """Fit on the reference, estimate day by day."""
    import nannyml as nml

    rows = pd.read_parquet(sys.argv[1])
    rows["at"] = pd.to_datetime(rows["day"], unit="D")
    rows["answer"] = (rows["score"] >= 0.5).astype(int)
    estimator = nml.CBPE(
        metrics=["roc_auc", "accuracy"],
        y_pred_proba="score",
        y_pred="answer",
        y_true="label",
        timestamp_column_name="at",
        chunk_period="D",
        problem_type="classification_binary",
    )
    estimator.fit(rows[rows["reference"]])
    found = estimator.estimate(rows[~rows["reference"]].drop(columns="label")).filter(period="analysis").to_df()
    days = (pd.to_datetime(found["chunk"]["start_date"]) - pd.Timestamp(0)).dt.days
    told = {
        name: dict(zip(map(int, days), map(float, found[name]["value"]), strict=True))
        for name in ("roc_auc", "accuracy")
    }
    print("\n" + json.dumps({"version": nml.__version__, **told}))


if __name__ == "__main__":
    main()
