"""The Open Inference Protocol, version 2, over REST: a loop is a model, a column of its question is a tensor.

Reads and writes what KServe's, Triton's and MLServer's clients do, with tensors in JSON or in binary. Owns the
protocol alone: what a row promises is the contract's to say, and how it is answered the gateway's.
"""

from __future__ import annotations

from homeostat.web.doors.oip.doors import OipDoors

__all__ = ["OipDoors"]
