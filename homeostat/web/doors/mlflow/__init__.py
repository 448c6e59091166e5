"""The doors of MLflow's scoring protocol, so that whoever asks an MLflow model server can ask Homeostat instead.

Turns MLflow's bodies into rows for the one use case and its replies into MLflow's; imports nothing of MLflow.
"""

from __future__ import annotations

from homeostat.web.doors.mlflow.doors import MlflowDoors

__all__ = ["MlflowDoors"]
