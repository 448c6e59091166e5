"""Runs one workflow of three steps and kills itself where it is told: the body of a crash test."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from homeostat.adapters.dbos.workflows import DbosEngine
from homeostat.training.pipeline import Json, Steps


def main(folder: Path, spot: str) -> int:
    def note(text: str) -> None:
        with (folder / "effects.txt").open("a") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())

    def die_at(here: str) -> None:
        if here == spot:
            os.kill(os.getpid(), signal.SIGKILL)

    def step(number: int) -> int:
        note(f"began {number}")
        die_at(f"inside {number}")
        note(f"ended {number}")
        return number

    def body(steps: Steps, arguments: Json) -> Json:
        die_at("before 1")
        results = []
        for number in (1, 2, 3):
            results.append(steps.run(f"step {number}", lambda number=number: step(number)))
            die_at(f"after {number}")
        return results

    engine = DbosEngine(folder / "workflows.sqlite", release="r1")
    engine.register("three", body)
    engine.launch()
    engine.start("three", "w1", None)
    state = engine.wait("w1", 60.0)
    (folder / "state.json").write_text(json.dumps({"status": state.status, "result": state.result}))
    engine.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2]))
