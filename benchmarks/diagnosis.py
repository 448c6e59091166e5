"""What is diagnosed where the true cause is known: ``python -m benchmarks.diagnosis [--json] [--seeds N]``.

Thirteen kinds of trouble, most of them in three strengths, are planted into days of generated rows and of real flights.
The very diagnosis of the product reads them, from the same kinds of evidence.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.planted import KINDS, World, flights, generated, planted_history  # noqa: E402
from homeostat.monitoring.diagnosis import INTERVENTIONS, diagnose  # noqa: E402

WORLDS: dict[str, Callable[[int], World]] = {"generated": generated, "flights": flights}
SHORT = {
    "broken_data": "broken",
    "skew": "skew",
    "bad_release": "release",
    "one_segment": "segment",
    "covariate_shift": "covariate",
    "unseen_inputs": "unseen",
    "sudden_change": "sudden",
    "gradual_drift": "gradual",
    "seasonal": "season",
    "nothing": "nothing",
    "unknown": "unknown",
}
Json = dict[str, Any]


def cases(worlds: list[str], seeds: int, kinds: list[str] | None = None) -> Iterator[Json]:
    """Every case with what was planted and what was diagnosed."""
    for name in worlds:
        for seed in range(seeds):
            world = WORLDS[name](seed)
            for kind in kinds or KINDS:
                truth, _, strengths = KINDS[kind]
                for strength in strengths if len(strengths) > 1 else strengths * 3:
                    yield _case(world, kind, truth, strength, seed)


def _case(world: World, kind: str, truth: str, strength: float, seed: int) -> Json:
    rng = np.random.default_rng([seed, 3])
    history = planted_history(world, kind, strength, seed)
    began = time.perf_counter()
    found = diagnose(history, rng=rng)
    return {
        "world": world.name,
        "kind": kind,
        "strength": strength,
        "seed": seed,
        "true": truth,
        "diagnosed": found.cause,
        "because": found.because,
        "seconds": time.perf_counter() - began,
    }


def matrix(done: list[Json]) -> list[tuple[str, Counter[str]]]:
    """By kind and world, how often each cause was diagnosed."""
    names = dict.fromkeys((one["kind"], one["world"]) for one in done)
    return [
        (f"{kind} ({world})", Counter(one["diagnosed"] for one in done if (one["kind"], one["world"]) == (kind, world)))
        for kind, world in sorted(names, key=lambda each: (list(KINDS).index(each[0]), each[1]))
    ]


def summary(done: list[Json]) -> Json:
    """The shares that are right: the cause, and what to do about it; how many are taken for broken that are not."""
    right = [one["diagnosed"] == one["true"] for one in done]
    acted = [INTERVENTIONS[one["diagnosed"]] == INTERVENTIONS[one["true"]] for one in done]
    whole = [one for one in done if INTERVENTIONS[one["true"]] not in ("fix_data", "roll_back")]
    held = [INTERVENTIONS[one["diagnosed"]] in ("fix_data", "roll_back") for one in whole]
    seconds = sorted(one["seconds"] for one in done)
    return {
        "cases": len(done),
        "cause right": sum(right) / len(done),
        "intervention right": sum(acted) / len(done),
        "retrainings refused wrongly": sum(held) / max(len(held), 1),
        "seconds, median": seconds[len(seconds) // 2],
        "seconds, most": seconds[-1],
    }


def told(done: list[Json]) -> None:
    """Print the matrix: a row per kind, a column per cause diagnosed."""
    rows = matrix(done)
    used = [cause for cause in SHORT if any(count[cause] for _, count in rows)]
    print("| planted (in) | " + " | ".join(SHORT[cause] for cause in used) + " |")
    print("|---|" + "---:|" * len(used))
    for name, count in rows:
        true = KINDS[name.partition(" (")[0]][0]
        cells = [
            (f"**{count[cause]}**" if cause == true else str(count[cause])) if count[cause] else "" for cause in used
        ]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print()
    for world in dict.fromkeys(one["world"] for one in done):
        for kind in dict.fromkeys(one["kind"] for one in done):
            mine = [one for one in done if (one["world"], one["kind"]) == (world, kind)]
            by = {one["strength"]: [] for one in mine}  # type: ignore[var-annotated]
            for one in mine:
                by[one["strength"]].append(one["diagnosed"] == one["true"])
            shares = ", ".join(f"{strength:g}: {sum(hits)}/{len(hits)}" for strength, hits in by.items())
            print(f"{world}, {kind}: {shares}")
    print()
    for name, value in summary(done).items():
        print(f"{name}: {value:.3g}" if isinstance(value, float) else f"{name}: {value}")


def main() -> None:
    """Run it and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--json", action="store_true", help="every case as JSON")
    asked.add_argument("--seeds", type=int, default=5)
    asked.add_argument("--world", choices=list(WORLDS), action="append")
    asked.add_argument("--kind", choices=list(KINDS), action="append")
    chosen = asked.parse_args()
    done = list(cases(chosen.world or list(WORLDS), chosen.seeds, chosen.kind))
    if chosen.json:
        print(json.dumps({"summary": summary(done), "cases": done}, indent=2))
    else:
        told(done)


if __name__ == "__main__":
    main()
