"""The data plane's own OpenAPI document: what each protocol says of its doors, put together once.

A protocol's object has ``doors()`` and ``described()``; what it describes is made with the parts here.
"""

from __future__ import annotations

from homeostat.web.doors.openapi.document import Described, OpenapiDoor
from homeostat.web.doors.openapi.parts import Description, Schema

__all__ = ["Described", "Description", "OpenapiDoor", "Schema"]
