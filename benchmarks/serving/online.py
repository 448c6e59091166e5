"""Facts about shops and people, and rows that ask about them."""

from __future__ import annotations

import time
from typing import Any

import httpx

from benchmarks.serving.models import Made
from homeostat.kernel.clock import format_instant
from tests.harness.running import until

Json = dict[str, Any]
SHOPS, PEOPLE, SALES = 100, 500, 30
_HOUR = 3_600_000_000


def asked_online(model: Made) -> list[Json]:
    """Rows that bring eight features and name a shop and a person for the others."""
    now = format_instant(_now())
    return [
        {
            "id": f"r{place}",
            "at": now,
            "shop": f"shop{place % SHOPS}",
            "person": f"person{place % PEOPLE}",
            **dict(zip(model.names[:8], row[:8], strict=True)),
        }
        for place, row in enumerate(model.rows.tolist())
    ]


def told(doors: str) -> None:
    """Tell the doors everything about shops and people; what is acknowledged is seen by the next prediction."""
    begun = _now() - 6 * _HOUR
    at = format_instant(begun)
    shops = [{"shop": f"shop{n}", "at": at, **_numbers("s", n)} for n in range(SHOPS)]
    people = [{"person": f"person{n}", "at": at, **_numbers("p", n)} for n in range(PEOPLE)]
    sales = [
        {
            "id": f"sale{n}",
            "at": format_instant(begun + n * 1_000_000),
            "shop": f"shop{n % SHOPS}",
            "price": n % 97 / 10,
        }
        for n in range(SHOPS * SALES)
    ]
    with httpx.Client(base_url=doors, timeout=60.0, trust_env=False) as client:
        for table, rows in (("shops", shops), ("people", people), ("sales", sales)):
            until(lambda table=table, rows=rows: _taken(client, table, rows))


def _numbers(prefix: str, seed: int) -> dict[str, float]:
    return {f"{prefix}{place}": (seed * 7 + place) % 13 / 10 for place in range(4)}


def _taken(client: httpx.Client, table: str, rows: list[Json]) -> bool:
    """Whether the rows were taken in; False while a process is still starting."""
    reply = client.post(f"/tables/{table}/events", json={"rows": rows})
    return reply.status_code == 200 and bool(reply.json()["accepted"] == len(rows))


def _now() -> int:
    return time.time_ns() // 1_000
