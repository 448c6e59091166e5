"""A client that looks at every reply: when it came, how it went, and which version gave it."""

from __future__ import annotations

import asyncio
import random
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
    """Replies by version, when the last one of each came (``time.perf_counter``), and what was no 200.

    ``by_connection`` tells the last ones for each port of the client's too.
    """

    replies: Counter[str] = field(default_factory=Counter)
    last: dict[str, float] = field(default_factory=dict)
    by_connection: dict[tuple[str, int], float] = field(default_factory=dict)
    failed: list[bytes] = field(default_factory=list)


class Watching:
    """Asks over many connections in a thread, from the beginning of a ``with`` block to its end.

    Each waits for its reply, and then for some ``pause`` seconds.
    """

    def __init__(self, url: str, bodies: Sequence[bytes], connections: int, pause: float = 0.0) -> None:
        self._parts, self._connections, self._pause = urlsplit(url), connections, pause
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
        chance, port = random.Random(number), writer.get_extra_info("sockname")[1]
        for content in cycle(self._requests[number:] + self._requests[:number]):
            if self._stop.is_set():
                break
            try:
                writer.write(content)
                self._look(await reply(reader), port)
                if self._pause:
                    await asyncio.sleep(chance.uniform(0.0, 2 * self._pause))
            except (OSError, EOFError) as error:
                self.seen.failed.append(repr(error).encode())
                break
        writer.close()

    def _look(self, whole: bytes, port: int) -> None:
        head, _, body = whole.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            self.seen.failed.append(whole)
            return
        version = msgspec.json.decode(body)["predictions"][0]["version"]
        self.seen.replies[version] += 1
        self.seen.last[version] = self.seen.by_connection[version, port] = time.perf_counter()
