"""The process of one shadow: ``python -m homeostat.app.arms.shadow CONFIG``, where CONFIG is JSON.

It follows the replica's prediction spool, so that nothing of it lies on the reply path, and writes what the shadow
would have answered to a spool of its own. It ends when its stdin is closed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from homeostat.adapters.files.room import SpoolLimits
from homeostat.adapters.files.routes import Signature, read_route, signature
from homeostat.adapters.files.spool import Durability, FileSpool
from homeostat.adapters.files.spool_reader import SpoolReader
from homeostat.app.processes.supervisor import die_with_parent
from homeostat.app.versions.runtimes import load_runtime
from homeostat.data.contracts import Value
from homeostat.data.records import PredictionRecord
from homeostat.kernel.errors import HomeostatError, Unavailable, Untrusted
from homeostat.kernel.words import plural
from homeostat.serving.answers import Score, said
from homeostat.serving.live import warm
from homeostat.serving.routing import BESIDE, Route, shadows_of
from homeostat.serving.runtimes import Runtime, answers

MOST_BEHIND = 10_000
"""Predictions that may wait; a shadow that falls further behind skips the oldest, and counts them."""
_AT_ONCE = 500
_LOOK_SECONDS = 0.05
_NICENESS = 10
"""Whoever answers users goes first: beside it a shadow gets a tenth of a processor that both want."""


class ShadowConfig(msgspec.Struct, frozen=True):
    """What a shadow is told. ``names`` are the features of a record in order; ``definitions`` their hash."""

    loop: str
    version: str
    folder: str
    routes: str
    read: str
    write: str
    names: tuple[str, ...]
    definitions: str
    threshold: float
    unit: str | None = None
    durability: Durability = "system"
    memory: int = 0
    spool_bytes: int = 2 << 30
    disk_reserve_bytes: int = 0


class ShadowCounts(msgspec.Struct):
    """What became of the predictions that the shadow was to see: scored, failed to score, skipped unseen.

    ``refused`` says that it sees none, because nobody trusted has signed what lies there.
    """

    rows: int = 0
    failed: int = 0
    dropped: int = 0
    refused: str | None = None


@dataclass(slots=True)
class Shadow:
    """Scores what was served; ``step`` does one batch."""

    config: ShadowConfig
    runtime: Runtime
    reader: SpoolReader
    spool: FileSpool
    counts: ShadowCounts = field(default_factory=ShadowCounts)
    _at: int = field(init=False)
    _route: Route | None = field(init=False, default=None)
    _seen: Signature | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._at = self.reader.end()

    async def step(self) -> int:
        """Score the next predictions; how many were read."""
        await self.spool.look()
        drained = self.reader.read(self._at, MOST_BEHIND)
        self._at = drained.upto
        mine = [record for _, record in drained.records if self._is_mine(record)]
        if len(drained.records) == MOST_BEHIND:
            self.counts.dropped += max(0, len(mine) - _AT_ONCE)
            mine = mine[-_AT_ONCE:]
        for start in range(0, len(mine), _AT_ONCE):
            await self._score(mine[start : start + _AT_ONCE])
        return len(drained.records)

    def _is_mine(self, record: PredictionRecord) -> bool:
        if record.loop != self.config.loop or record.arm in BESIDE or record.definitions != self.config.definitions:
            return False
        route = self._current()
        unit = record.key if self.config.unit is None else str(record.question[self.config.unit])
        return route is not None and self.config.version in shadows_of(route, unit)

    def _current(self) -> Route | None:
        found = signature(Path(self.config.routes), self.config.loop)
        if found != self._seen:
            self._seen = found
            with suppress(HomeostatError):
                self._route = read_route(Path(self.config.routes), self.config.loop)
        return self._route

    async def _score(self, records: Sequence[PredictionRecord]) -> None:
        try:
            with np.errstate(all="ignore"):
                scores = answers(self.runtime, self.runtime.predict(self._columns(records)), len(records))
        except Exception as error:  # a candidate may fail in any way; here it fails nobody
            self.counts.failed += len(records)
            print(f"{plural(len(records), 'row')}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            return
        made = [self._beside(record, score) for record, score in zip(records, scores, strict=True)]
        try:
            await self.spool.append(made)
        except Unavailable:  # it has no room: what users are answered comes first
            self.counts.dropped += len(made)
        else:
            self.counts.rows += len(made)

    def _columns(self, records: Sequence[PredictionRecord]) -> dict[str, list[Value]]:
        return {name: [record.features[place] for record in records] for place, name in enumerate(self.config.names)}

    def _beside(self, record: PredictionRecord, score: Score) -> PredictionRecord:
        prediction, probability = said(self.runtime.binding.task, self.config.threshold, score)
        return msgspec.structs.replace(
            record,
            prediction_id=shadow_id(record.prediction_id, self.config.version),
            version=self.config.version,
            arm="shadow",
            probability=probability,
            prediction=prediction,
            fell_back=False,
        )


def shadow_id(prediction_id: str, version: str) -> str:
    """The id of a shadow's answer beside a prediction: its own, always the same, and of the same time.

    >>> shadow_id("018bcfe5-687b-774b-8000-000000000000", "v3")[:18]
    '018bcfe5-687b-774b'
    """
    own = hashlib.blake2b(f"{prediction_id}/{version}".encode(), digest_size=8).hexdigest()
    return str(uuid.UUID(prediction_id[:18].replace("-", "") + f"{int(own, 16) >> 2 | 1 << 63:016x}"))


async def _follow(config: ShadowConfig) -> None:
    runtime = load_runtime(Path(config.folder), config.loop, config.version)
    warm(runtime, config.loop)
    limits = SpoolLimits(config.spool_bytes, config.disk_reserve_bytes)
    spool = FileSpool(Path(config.write), durability=config.durability, limits=limits)
    shadow = Shadow(config, runtime, SpoolReader(Path(config.read)), spool)
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    said = b""
    while not ended.done():
        read = await shadow.step()
        told = msgspec.json.encode(shadow.counts)
        if told != said:
            said = told
            _tell(told)
        if read < _AT_ONCE:  # few at a time cost far more than many, and somebody else is to have the processor
            await asyncio.wait([ended], timeout=_LOOK_SECONDS)
    await shadow.step()
    await spool.close()


def _tell(counts: bytes) -> None:
    sys.stdout.buffer.write(counts + b"\n")
    sys.stdout.buffer.flush()


def main(arguments: list[str]) -> int:
    """Follow until stdin ends."""
    die_with_parent()
    os.nice(_NICENESS)
    config = msgspec.json.decode(arguments[0], type=ShadowConfig)
    if config.memory:
        resource.setrlimit(resource.RLIMIT_DATA, (config.memory, config.memory))
    try:
        asyncio.run(_follow(config))
    except HomeostatError as error:
        if isinstance(error, Untrusted):
            _tell(msgspec.json.encode(ShadowCounts(refused=error.problem)))
        print(f"error: {error.problem} {error.mend}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
