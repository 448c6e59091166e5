"""A client that costs little: requests encoded beforehand, replies hardly read, one socket per connection."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
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


@dataclass(frozen=True, slots=True)
class Loaded:
    """Replies of many connections: milliseconds, replies per second, and how many were no 200."""

    requests: int
    per_second: float
    p50: float
    p99: float
    failed: int


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


async def saturate(url: str, bodies: Sequence[bytes], connections: int, seconds: float) -> Loaded:
    """Post the bodies over many connections at once, each of which waits for its reply."""
    path = urlsplit(url).path or "/"
    requests = [request("POST", path, msgspec.Raw(body)) for body in bodies]
    began, failed = time.perf_counter(), 0

    def counted(head: bytes) -> None:
        nonlocal failed
        failed += not head.startswith(b"HTTP/1.1 200")

    each = (requests[number:] + requests[:number] for number in range(connections))
    counts = await asyncio.gather(*(_one_after_another(url, one, seconds, counted) for one in each))
    taken = [one for count in counts for one in count]
    p50, p99 = np.percentile(taken, [50, 99])
    per_second = (len(taken) - failed) / (time.perf_counter() - began)
    return Loaded(len(taken), per_second, p50 * 1e3, p99 * 1e3, failed)


async def at_rate(url: str, bodies: Sequence[bytes], connections: int, seconds: float, rate: float) -> Loaded:
    """Post so many bodies a second, at drawn moments that do not wait for replies; ``connections`` are at hand.

    What a request waits for a free connection counts as its own time.
    """
    parts = urlsplit(url)
    requests = cycle([request("POST", parts.path or "/", msgspec.Raw(body)) for body in bodies])
    idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(connections):
        idle.put_nowait(await asyncio.open_connection(parts.hostname, parts.port))
    taken: list[float] = []
    failed = 0

    async def one(content: bytes) -> None:
        nonlocal failed
        began = time.perf_counter()
        reader, writer = await idle.get()
        writer.write(content)
        failed += not (await reply(reader)).startswith(b"HTTP/1.1 200")
        taken.append(time.perf_counter() - began)
        idle.put_nowait((reader, writer))

    began = due = time.perf_counter()
    chance = random.Random(7)
    async with asyncio.TaskGroup() as open_ones:
        while (due := due + chance.expovariate(rate)) < began + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            open_ones.create_task(one(next(requests)))
    while not idle.empty():
        idle.get_nowait()[1].close()
    p50, p99 = np.percentile(taken, [50, 99])
    return Loaded(len(taken), (len(taken) - failed) / seconds, float(p50) * 1e3, float(p99) * 1e3, failed)


async def _measure(address: str, requests: Sequence[bytes], seconds: float) -> Measured:
    taken = await _one_after_another(address, requests, seconds)
    began, done = time.perf_counter(), 0
    counts = await asyncio.gather(
        *(_one_after_another(address, requests[number::CONNECTIONS], seconds) for number in range(CONNECTIONS))
    )
    done = sum(len(count) for count in counts)
    p50, p99 = np.percentile(taken, [50, 99])
    return Measured(p50 * 1e3, p99 * 1e3, done / (time.perf_counter() - began))


async def _one_after_another(
    address: str,
    requests: Sequence[bytes],
    seconds: float,
    seen: Callable[[bytes], None] | None = None,
) -> list[float]:
    """Seconds that each request took, on one connection, until the time is up; ``seen`` is shown each reply's head."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    for content in cycle(requests):
        began = time.perf_counter()
        if began >= end:
            break
        writer.write(content)
        (seen or _must_be_good)(await reply(reader))
        taken.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()
    return taken


def _must_be_good(head: bytes) -> None:
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode())


async def reply(reader: asyncio.StreamReader) -> bytes:
    """One whole reply: its head, blank line included, and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return head + await reader.readexactly(int(length.partition(b":")[2]))
