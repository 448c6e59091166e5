"""The doors of the data plane, as one RSGI application without a framework in the way.

Serves predictions, takes in events for the recorder, tells health and metrics, and shows browsers the way to
the control plane. Reads and writes nothing itself; may import app and everything below it.
"""

from __future__ import annotations

from homeostat.web.doors.application import Doors
from homeostat.web.doors.wiring import open_doors

__all__ = ["Doors", "open_doors"]
