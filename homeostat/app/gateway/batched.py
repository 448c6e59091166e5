"""Which versions are asked for several requests at once, and why: read from what the replicas expose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from homeostat.app.gateway.counted import Sample

Json = dict[str, Any]
_WHY = {
    "off": "each request by itself: the loop asks for that, or it is a replay",
    "asked": "at most {rows} rows of waiting requests in a call, as the loop asks",
    "quick": "each request by itself: a row takes {alone}, less than the request around it",
    "no_gain": "each request by itself: a row takes {alone} alone and {company}",
    "pays": "at most {rows} rows of waiting requests in a call: a row takes {alone} alone and {company}",
}


def batching_of(samples: Iterable[Sample], loop: str) -> list[Json]:
    """Of each version of a loop that is loaded, by replica: most rows in a call, why, and what was measured.

    ``requests_per_call`` are those that went together so far, None where none did.
    """
    found: dict[tuple[str, str], Json] = {}
    seconds: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    counts: dict[tuple[str, str, str], float] = {}
    for name, labels, value in samples:
        if labels.get("loop") != loop:
            continue
        who = (labels.get("version", ""), labels.get("replica", ""))
        if name == "homeostat_batching_rows":
            found[who] = {"version": who[0], "replica": who[1], "rows": int(value), "why": labels["why"]}
        elif name == "homeostat_row_seconds":
            seconds[who][int(labels["rows"])] = value
        elif name in ("homeostat_batched_calls_total", "homeostat_batched_requests_total"):
            counts[name.removeprefix("homeostat_batched_").removesuffix("_total"), *who] = value
    return [_told(one, seconds[who], counts) for who, one in sorted(found.items())]


def _told(one: Json, seconds: dict[int, float], counts: dict[tuple[str, str, str], float]) -> Json:
    who = (one["version"], one["replica"])
    calls = counts.get(("calls", *who), 0.0)
    timed = [(rows, f"{taken * 1e6:,.0f} µs") for rows, taken in sorted(seconds.items())]
    parts = {"rows": one["rows"], "alone": timed[0][1] if timed else ""}
    if len(timed) > 1:
        parts["company"] = f"{timed[-1][1]} among {timed[-1][0]}"
    return {
        **one,
        "row_microseconds": {rows: taken * 1e6 for rows, taken in sorted(seconds.items())},
        "requests_per_call": counts.get(("requests", *who), 0.0) / calls if calls else None,
        "text": _WHY[one["why"]].format(**parts),
    }
