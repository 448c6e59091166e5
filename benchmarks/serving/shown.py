"""The table that people read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Json = dict[str, Any]
GOALS = {
    "least ratio": 0.6,
    "least ratio with online features": 0.35,
    "most p99 beside the limit": 2.0,
    "most mebibytes": 120.0,
    "most seconds of a cold start": 1.5,
    "most change of p50 by a shadow": 0.05,
    "most seconds to the last bad reply": 1.0,
}
ONLINE = "three views, two entities"
_COLUMNS = {
    "req/s": 8,
    "spread": 16,
    "CPU ms": 8,
    "p50 ms": 8,
    "p99 ms": 8,
    "MiB": 6,
    "cold s": 8,
    "ratio": 8,
    "by CPU": 8,
}
_HEAD = f"{'server':<24}" + "".join(f"{name:>{width}}" for name, width in _COLUMNS.items())


def shown(found: Sequence[Json]) -> Iterator[str]:
    """One line for each thing measured, grouped by what was measured."""
    what = ""
    for one in found:
        if one["what"] != what:
            what = one["what"]
            yield f"\n{what}"
            if "server" in one:
                yield _HEAD
        yield _line(one)


def _line(one: Json) -> str:
    if "problem" in one:
        return f"{one['server']:<24}{one['problem']}"
    if "server" in one:
        return _server(one)
    if "p50_change" in one:
        return _shadowed(one)
    if "cold_start_seconds" in one:
        told = f"{one['model'] + ', ' + one['form']:<40}{one['cold_start_seconds']:.2f} s (at most {one['most']:.2f})"
        return f"{told}, {one['cpu_seconds']:.2f} s of processor time"
    if "from_start" in one:
        return f"{one['load']:<24}{_back(one)}; {one['replies']:,} replies, {one['failed']} failed"
    if "last_bad_seconds" in one:
        told = f"{one['replicas']} replicas: last bad reply after {one['last_bad_seconds'] * 1e3:.0f} ms"
        return f"{told}, at most {one['most'] * 1e3:.0f} ms; {one['replies']:,} replies, {one['failed']} failed"
    told = f"{one['changes']:,} changes in {one['seconds']:.1f} s on {one['replicas']} replicas"
    return f"{told}: {one['replies']:,} replies, {one['failed']} failed"


def _shadowed(one: Json) -> str:
    told = f"{one['load']}: p50 {one['p50_ms']:.2f} ms, with a shadow {one['p50_shadowed_ms']:.2f} ms"
    change = f"{one['p50_change']:+.1%} (95 %: {one['low']:+.1%} to {one['high']:+.1%}, {one['pairs']} pairs)"
    return f"{told}: {change}; CPU of the gateway {one['cpu_change']:+.1%}"


def _back(one: Json) -> str:
    """Per replica the median and the worst, from the command's start and from its being accepted."""
    told = []
    for name, started in one["from_start"].items():
        accepted = one["from_accepted"][name]
        each = (started["median"], started["most"], accepted["median"], accepted["most"])
        told.append("{}: {:.0f} ms (at most {:.0f}), accepted {:.0f} ms (at most {:.0f})".format(name, *_ms(*each)))
    return "; ".join(told)


def _ms(*seconds: float) -> list[float]:
    return [one * 1e3 for one in seconds]


def _server(one: Json) -> str:
    spread = f"{one['least']:,.0f}-{one['most']:,.0f}"
    figures = f"{one['requests_per_second']:>8,.0f}{spread:>16}{one['cpu_ms']:>8.3f}{one['p50_ms']:>8.1f}"
    ratios = f"{one['ratio']:>8.2f}{one['cpu_ratio']:>8.2f}"
    more = f"{one['p99_ms']:>8.1f}{one['mebibytes']:>6.0f}{one['cold_seconds']:>8.2f}{ratios}"
    failed = f"  {one['failed']} FAILED" if one["failed"] else ""
    return f"{one['server']:<24}{figures}{more}{failed}"


def undecided(found: Sequence[Json]) -> list[str]:
    """The goals that these figures neither reach nor miss, as sentences."""
    limit = GOALS["most change of p50 by a shadow"]
    open_ones = [one for one in found if "p50_change" in one and one["low"] <= limit < one["high"]]
    return [
        f"{one['what']}, {one['load']}: the change of p50 lies between {one['low']:+.1%} and {one['high']:+.1%}, and"
        f" the most is {limit:.0%}"
        for one in open_ones
    ]


def missed(found: Sequence[Json]) -> list[str]:
    """The goals that these figures miss, as sentences."""
    return [told for one in found for told in _missed(one)]


def _missed(one: Json) -> Iterator[str]:
    for name, figure in _held_against(one):
        limit = GOALS[name]
        if figure < limit if name.startswith("least") else figure > limit:
            yield f"{one['what']}: {name} is {limit:g}, measured {figure:.3g}"
    if one.get("failed") and one.get("server", "Homeostat") == "Homeostat":
        yield f"{one['what']}: {one['failed']} replies failed"


def _held_against(one: Json) -> Iterator[tuple[str, float]]:
    if one.get("server") == "Homeostat":
        online = one["what"] == ONLINE
        yield "least ratio with online features" if online else "least ratio", one["ratio"]
        yield "most p99 beside the limit", one["p99_ratio"] if not online else 0.0
        yield "most mebibytes", one["mebibytes"]
        if not online:
            yield "most seconds of a cold start", one["cold_seconds"]
    if "cold_start_seconds" in one:
        yield "most seconds of a cold start", one["cold_start_seconds"]
    if "p50_change" in one:
        yield "most change of p50 by a shadow", one["low"]
    if "last_bad_seconds" in one or "from_start" in one:
        yield "most seconds to the last bad reply", one["most"]
