"""A client that costs little: requests encoded beforehand, replies hardly read, one socket per connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from urllib.parse import urlsplit

import msgspec
import numpy as np

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of one request at a time, and requests per second over several connections."""

    p50: float
    p99: float
    per_second: float


def request(method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> bytes:
    """A whole HTTP/1.1 request."""
    content = b"" if body is None else msgspec.json.encode(body)
    told = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": len(content), **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def measure(address: str, requests: Sequence[bytes], *, repeats: int, seconds: float) -> Measured:
    """Medians over repeats, each of which measures latency and then throughput for ``seconds``."""
    found = [asyncio.run(_measure(address, requests, seconds)) for _ in range(repeats)]
    return Measured(*(median(getattr(one, name) for one in found) for name in ("p50", "p99", "per_second")))


async def _measure(address: str, requests: Sequence[bytes], seconds: float) -> Measured:
    taken = await _one_after_another(address, requests, seconds)
    began, done = time.perf_counter(), 0
    counts = await asyncio.gather(
        *(_one_after_another(address, requests[number::CONNECTIONS], seconds) for number in range(CONNECTIONS))
    )
    done = sum(len(count) for count in counts)
    p50, p99 = np.percentile(taken, [50, 99])
    return Measured(p50 * 1e3, p99 * 1e3, done / (time.perf_counter() - began))


async def _one_after_another(address: str, requests: Sequence[bytes], seconds: float) -> list[float]:
    """Seconds that each request took, on one connection, until the time is up."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    for content in cycle(requests):
        began = time.perf_counter()
        if began >= end:
            break
        writer.write(content)
        await _reply(reader)
        taken.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()
    return taken


async def _reply(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode())
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
