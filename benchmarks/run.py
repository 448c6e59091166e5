"""Prints what this machine measures: ``make bench``, or ``make bench ARGS="--full --json"``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.contracts import measured as contracts_measured  # noqa: E402
from benchmarks.coverage import measured as coverage_measured  # noqa: E402
from benchmarks.coverage import told as coverage_told  # noqa: E402
from benchmarks.drift import measured as drift_measured  # noqa: E402
from benchmarks.drift import missed as drift_missed  # noqa: E402
from benchmarks.joins import FACTS, QUESTIONS, compared, join_seconds  # noqa: E402
from benchmarks.load import CONNECTIONS, Measured, measure, request  # noqa: E402
from benchmarks.online import online_lines  # noqa: E402
from benchmarks.serving.__main__ import measured as served  # noqa: E402
from benchmarks.serving.__main__ import told as serving_told  # noqa: E402
from benchmarks.skew import skew_seconds  # noqa: E402
from examples.flights.driver import LOOP, midnight  # noqa: E402
from examples.flights.source import TABLES, YEAR_BEGINS, Flights, load  # noqa: E402
from homeostat.adapters.delta.tables import DeltaTables  # noqa: E402
from homeostat.app.processes.supervisor import module_command  # noqa: E402
from homeostat.kernel.clock import format_instant, parse_instant  # noqa: E402
from tests.harness.running import Running, free_ports, started, until  # noqa: E402

LOOP_FILE = '''
"""The flights loop, with a gate that a version trained on a few days passes."""

from dataclasses import replace

from examples.flights import loop as flights
from homeostat import Gate, Retrain

loop = replace(flights.loop, gate=Gate(min_skill=-100.0, min_days=3), retrain=Retrain(first_holdout="3d"))
'''
HISTORY, NOW = midnight(date(2013, 1, 24)), midnight(date(2013, 2, 6))
BATCH = 1_000
Json = dict[str, Any]


def main() -> None:
    """Measure, then print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="longer, for figures to be published")
    parser.add_argument("--large", action="store_true", help="also 10M questions x 100M facts on disk, within 8 GB")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    asked = parser.parse_args()
    repeats, seconds = (9, 5.0) if asked.full else (5, 1.0)
    flights = load()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "loop.py"
        file.write_text(LOOP_FILE)
        say("starting Homeostat, taking in thirteen days, training a version")
        with started(Path(folder) / "home", file, LOOP) as running:
            prepare(running, flights)
            found = [*predictions(running, flights, repeats, seconds), *pages(running, repeats, seconds)]
            found.append(events(running, flights))
    say("taking events in on one core")
    found += one_core()
    say("checking contracts")
    found += contracts_measured()
    say("measuring drift")
    drift = list(drift_measured())
    found += drift
    say("joining")
    taken = join_seconds(flights, 3)
    found.append({"what": f"point-in-time join, {QUESTIONS:,} questions x {FACTS:,} facts", "seconds": taken})
    say("joining beside DuckDB, Polars and a prefix sum")
    found += compared(full=asked.full, large=asked.large)
    say("recomputing a day's sample of served rows")
    with tempfile.TemporaryDirectory() as folder:
        whole, bare_read, rows = skew_seconds(flights, Path(folder), repeats)
    found.append({"what": f"skew of a day, {rows} rows against a year of facts", "seconds": whole})
    found.append({"what": "  bare read of the facts they need", "seconds": bare_read})
    say("reading and writing the online store")
    found += online_lines(repeats)
    say("serving, beside the limit and the peers that are installed")
    serving = served(full=asked.full)
    say("counting how often bounds miss")
    show(found, serving, coverage_measured(), asked.json)
    for what in drift_missed(drift):
        say(f"MISSED: drift, {what}")


def prepare(running: Running, flights: Flights) -> None:
    """History in, first version out."""
    first = parse_instant(YEAR_BEGINS)
    day = 86_400_000_000
    for start, end in [(first, first + day), *((at, at + day) for at in range(HISTORY, NOW, day))]:
        parts = list(flights.quarters(start, end))
        for table in TABLES:
            rows = [row for part in parts for row in getattr(part, table)]
            if rows:
                running.send(table, rows, end).raise_for_status()
    running.barrier(NOW)
    until(lambda: running.doors.get("/health/ready").status_code == 200)


def predictions(running: Running, flights: Flights, repeats: int, seconds: float) -> Iterator[Json]:
    """The predict door beside the bare server, for one row and for twenty."""
    parts = list(flights.quarters(NOW - 86_400_000_000, NOW))
    rows = [row for part in parts for row in part.departures]
    path, told = f"/loops/{LOOP}/predict", {"Homeostat-Now": format_instant(NOW)}
    running.ask(rows, NOW).raise_for_status()
    running.barrier(NOW)
    features = served_features(running)
    with bare(running) as address:
        for size in (1, 20):
            say(f"predicting {size} at a time")
            asked = [request("POST", path, {"rows": chunk}, told) for chunk in chunks(rows, size)]
            given = [request("POST", "/", {"rows": chunk}) for chunk in chunks(features, size)]
            real = measure(str(running.doors.base_url), asked, repeats=repeats, seconds=seconds)
            limit = measure(address, given, repeats=repeats, seconds=seconds)
            yield line(f"predict door, {size} row{'s' * (size > 1)}", real)
            yield line("  bare server, same model and rows", limit)


def pages(running: Running, repeats: int, seconds: float) -> Iterator[Json]:
    """What the dashboard asks every few seconds."""
    for what in ("overview", "windows", "decisions"):
        path = f"/api/loops/{LOOP}/{what}"
        yield line(
            f"GET {path}",
            measure(
                str(running.control.base_url),
                [request("GET", path)] * CONNECTIONS,
                repeats=repeats,
                seconds=seconds / 2,
            ),
        )


def events(running: Running, flights: Flights) -> Json:
    """Rows per second that are acknowledged: checked, numbered, durable, and seen by the next prediction."""
    say("sending events")
    end = midnight(date(2013, 4, 1))
    rows = [row for part in flights.quarters(midnight(date(2013, 3, 1)), end) for row in part.arrivals]
    rates = []
    for chunk in chunks(rows, BATCH):
        began = time.perf_counter()
        reply = running.send("arrivals", chunk, end).raise_for_status().json()
        rates.append(reply["accepted"] / (time.perf_counter() - began))
    return {"what": f"events door, {BATCH:,} rows a request", "rows_per_second": median(rates)}


def one_core() -> list[Json]:
    """Events into journal, online store and table on one core, beside bare stores of the same rows."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.ingest"], cwd=ROOT, capture_output=True, check=True)
    told = json.loads(done.stdout)
    ours, bare_stores = "events on one core, per second of processor", "  bare SQLite insert and Delta append"
    return [
        {"what": ours, "rows_per_second": told["ours"]["cpu"], "by_the_clock": told["ours"]["clock"]},
        {"what": bare_stores, "rows_per_second": told["peer"]["cpu"], "by_the_clock": told["peer"]["clock"]},
    ]


def served_features(running: Running) -> list[Json]:
    """The features of what was just asked, as they were served."""
    log = DeltaTables(running.home / "log").read(LOOP)
    names = [name for name in log.column_names if name.startswith("x_")]
    renamed = log.select(names).rename_columns([name.removeprefix("x_") for name in names])
    found: list[Json] = renamed.to_pylist()
    return found


@contextmanager
def bare(running: Running) -> Iterator[str]:
    """The bare server, with the champion's files."""
    port = free_ports()
    folder = running.home / "versions" / LOOP / "v1"
    process = subprocess.Popen(module_command("benchmarks.bare", str(folder), "v1", str(port)), cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: running.doors.get(address).status_code == 200)
        yield address
    finally:
        process.terminate()
        process.wait()


def chunks(rows: list[Any], size: int) -> list[list[Any]]:
    """Whole chunks of rows."""
    return [rows[start : start + size] for start in range(0, len(rows) - size + 1, size)]


def line(what: str, found: Measured) -> Json:
    """One line of the table."""
    return {"what": what, "p50_ms": found.p50, "p99_ms": found.p99, "requests_per_second": found.per_second}


def say(text: str) -> None:
    """Talk goes to stderr."""
    print(f"{text} ...", file=sys.stderr, flush=True)


def show(found: list[Json], serving: list[Json], coverage: dict[str, list[Json]], as_json: bool) -> None:
    """Print what was measured, as medians over repeats."""
    if as_json:
        told = {"measured": found, "serving": serving, "coverage": coverage}
        print(json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()[0], **told}, indent=2))
        return
    print(f"{'':<54}{'p50 ms':>8}{'p99 ms':>8}{'per second':>16}")
    for one in found:
        if "p50_ms" in one:
            rate = f"{one['requests_per_second']:,.0f} requests"
            print(f"{one['what']:<54}{one['p50_ms']:>8.2f}{one['p99_ms']:>8.2f}{rate:>16}")
        elif "cells_per_second" in one:
            told = "" if one["flagged"] is None else f"  {len(one['flagged'])} flagged"
            rate = f"{one['cells_per_second'] / 1e6:.1f} M cells"
            print(f"{one['what']:<54}{'':<16}{rate:>16}{told}  {one['mebibytes']} MiB")
        elif "microseconds" in one:
            print(f"{one['what']:<54}{'':<16}{one['microseconds']:>12.3g} us")
        elif "p50_us" in one:
            ratio = f"{one['ratio']:>13.2f} x SQL" if "ratio" in one else ""
            print(f"{one['what']:<54}{one['p50_us'] / 1e3:>8.3f}{'':<8}{ratio}")
        elif "mebibytes" in one:
            print(f"{one['what']:<54}{'':<16}{one['mebibytes']:>12.0f} MiB")
        elif "seconds" in one:
            ratio = f"  ours {one['ratio']:.2f}x, limit {one['limit']:g}x" if "ratio" in one else ""
            print(f"{one['what']:<54}{'':<16}{one['seconds']:>13.2f} s{ratio}")
        elif "ratio" in one:
            print(f"{one['what']:<70}{one['ratio']:>8.2f}x")
        else:
            print(f"{one['what']:<54}{'':<16}{one['rows_per_second']:>11,.0f} rows")
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; client and servers share them;"
        f" per second over {CONNECTIONS} connections, latency over one"
    )
    print(serving_told(serving))
    print(coverage_told(coverage))


if __name__ == "__main__":
    main()
