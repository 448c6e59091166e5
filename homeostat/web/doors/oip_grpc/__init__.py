"""The Open Inference Protocol, version 2, over gRPC: the calls of the published interface, with the answers of REST.

Owns the wire alone; what is answered is ``oip``'s. Needs the extra ``homeostat[grpc]`` and is imported only by a
gateway that was given a port for it: gRPC and protobuf cost every process that loads them a fifth of its memory.
"""

from __future__ import annotations
