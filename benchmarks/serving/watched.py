"""A client that looks at every reply: when it came, how it went, and which version gave it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlsplit

import msgspec

from benchmarks.load import reply, request


@dataclass(slots=True)
class Seen:
    """Replies by version, when the last one of each came (``time.perf_counter``), and what was no 200."""

    replies: Counter[str] = field(default_factory=Counter)
    last: dict[str, float] = field(default_factory=dict)
    failed: list[bytes] = field(default_factory=list)


class Watching:
    """Asks over many connections in a thread, from the beginning of a ``with`` block to its end."""

    def __init__(self, url: str, bodies: Sequence[bytes], connections: int) -> None:
        self._parts, self._connections = urlsplit(url), connections
        self._requests = [request("POST", self._parts.path, msgspec.Raw(body)) for body in bodies]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.seen = Seen()

    def __enter__(self) -> Seen:
        self._thread.start()
        return self.seen

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        await asyncio.gather(*(self._ask(number) for number in range(self._connections)))

    async def _ask(self, number: int) -> None:
        reader, writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        for content in cycle(self._requests[number:] + self._requests[:number]):
            if self._stop.is_set():
                break
            try:
                writer.write(content)
                self._look(await reply(reader))
            except (OSError, EOFError) as error:
                self.seen.failed.append(repr(error).encode())
                break
        writer.close()

    def _look(self, whole: bytes) -> None:
        head, _, body = whole.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            self.seen.failed.append(whole)
            return
        version = msgspec.json.decode(body)["predictions"][0]["version"]
        self.seen.replies[version] += 1
        self.seen.last[version] = time.perf_counter()
