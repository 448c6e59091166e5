"""MLflow: a saved model behind ``mlflow models serve`` with one worker."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.serving.peers.model import estimator


def save(folder: str) -> str:
    """The model in MLflow's format, once."""
    place = Path(folder) / "mlflow"
    if place.exists():
        return str(place)
    model = estimator(folder)
    if hasattr(model, "predict_proba"):
        import mlflow.sklearn

        mlflow.sklearn.save_model(
            model,
            str(place),
            serialization_format="skops",
            pyfunc_predict_fn="predict_proba",
            pip_requirements=["scikit-learn"],
        )
    else:
        import mlflow.lightgbm

        mlflow.lightgbm.save_model(model, str(place), pip_requirements=["lightgbm"])
    return str(place)


if __name__ == "__main__":
    model, port = save(sys.argv[1]), sys.argv[2]
    told = ["--env-manager", "local", "--host", "127.0.0.1", "--port", port, "--workers", "1"]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "models", "serve", "-m", model, *told])
