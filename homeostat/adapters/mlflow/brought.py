"""A model's file out of an MLflow run or registry, by its address."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path

from homeostat.adapters.mlflow.client import be_quiet
from homeostat.adapters.mlflow.failures import said_by
from homeostat.kernel.errors import InvalidInput, Unavailable

_PICKLES = (".pkl", ".pickle", ".joblib", ".cloudpickle")


def fetch_model(address: str, folder: Path, suffixes: Collection[str], tracking: str) -> Path:
    """Download what ``models:/name/1`` or ``runs:/id/model`` names into ``folder``, and give the model's file in it.

    Raises: Unavailable when it cannot be fetched; InvalidInput where no file can be read without unpickling.
    """
    be_quiet()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations between MLflow and its libraries, none of a user's business
        import mlflow
        from mlflow.artifacts import download_artifacts
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    try:
        mlflow.set_tracking_uri(tracking)  # else a registry's address is looked up in a database made here
        mlflow.set_registry_uri(tracking)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = Path(download_artifacts(artifact_uri=address, dst_path=str(folder), tracking_uri=tracking))
    except Exception as error:
        said = said_by(error)
        if said is None:
            raise
        raise Unavailable(
            f"MLflow gives no {address}: {said}.",
            mend="Look at the address, name the server with --tracking-uri, and install what its files need"
            " (for S3: pip install 'homeostat[s3]').",
            address=address,
        ) from error
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])
    files = sorted(path for path in found.rglob("*") if path.is_file()) if found.is_dir() else [found]
    models = [path for path in files if path.suffix.lower() in suffixes and path.stem.startswith("model")]
    if models:
        return models[0]
    pickled = [path.name for path in files if path.suffix.lower() in _PICKLES]
    raise InvalidInput(
        f"{address} holds no model that can be read without unpickling{f': only {pickled[0]}' if pickled else ''}.",
        mend="Log it as skops, ONNX, LightGBM or XGBoost; or give past rows, and a new one is trained.",
        address=address,
    )
