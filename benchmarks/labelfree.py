"""How good estimates before labels are: ``python -m benchmarks.labelfree [--json]``, nine minutes with the peer.

AUC and accuracy of every day are estimated from the day's scores alone and held against what labels then showed, on
flights and on made-up streams whose inputs move, or whose relation of inputs and outcomes changes. Beside it, on the
same rows and days: nannyml's estimator where HOMEOSTAT_PEERS names an interpreter that has it, and the guess that all
is as it was in the reference. *Frozen* reads scores by the reference alone, as nannyml does; *refreshed* by the newest
days whose labels were mature by the end of the day, as the loop does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from benchmarks.joins import stored_frames  # noqa: E402
from benchmarks.serving.servers import interpreters  # noqa: E402
from examples.flights.loop import loop  # noqa: E402
from examples.flights.source import TABLES, load  # noqa: E402
from homeostat.control.performance.estimating import recent  # noqa: E402
from homeostat.features.offline import ASKED_AT, point_in_time  # noqa: E402
from homeostat.monitoring.windows import days_of, window  # noqa: E402
from homeostat.stats import metrics  # noqa: E402
from homeostat.stats.estimates.confidence import Estimated, estimated  # noqa: E402
from homeostat.stats.figures.sums import ScoreSums, score_counts  # noqa: E402

FIGURES = ("roc_auc", "accuracy")
PEER = "nannyml"
SEEDS = 3
DAYS, PER_DAY, LABEL_DELAY = 240, 2_000, 3
Json = dict[str, Any]
Floats = np.ndarray


@dataclass(frozen=True)
class Stream:
    """Labelled rows of consecutive days: ``known`` is the first day at whose end a day's labels are all mature."""

    name: str
    day: Floats
    score: Floats
    label: Floats
    known: Mapping[int, int]
    reference: range

    def of(self, day: int) -> tuple[Floats, Floats]:
        """Labels and scores of a day."""
        mine = self.day == day
        return self.label[mine], self.score[mine]

    @property
    def chunks(self) -> list[int]:
        """The days to be estimated, each with both outcomes, so that its AUC is defined."""
        later = np.unique(self.day[self.day >= self.reference.stop])
        return [int(day) for day in later if len(np.unique(self.of(int(day))[0])) == 2]


def flights() -> Stream:
    """A model trained on January and February scores the year; March is the reference, April to December are days."""
    from homeostat.training.rows import model_frame

    source = load()
    stored = stored_frames({name: getattr(source, name) for name in TABLES})
    asked = stored["departures"].join(
        stored["arrivals"].select(["flight_id", "arr_delay"]), "flight_id", join_type="inner"
    )
    times = asked["asked_at"].cast(pa.int64()).to_numpy()
    made = point_in_time(loop.feature_set, asked.append_column(ASKED_AT, pa.array(times)), stored)
    late, day = asked["arr_delay"].to_numpy() > 15, days_of(times, loop.timezone)
    frame = model_frame(made, loop.feature_set.kinds)
    first, march, april = (_ordinal(name) for name in ("2013-01-01", "2013-03-01", "2013-04-01"))
    taught = (day >= first) & (day < march)
    model = loop.train(SimpleNamespace(features=frame[taught], label=late[taught]), loop.config)
    score = model.predict_proba(frame[day >= march])[:, 1]
    kept = day >= march
    due = asked["scheduled_arrival"].cast(pa.int64()).to_numpy()[kept] + loop.label.maturity_delay
    days = day[kept]
    last = {int(one): int(days_of(due[days == one].max(keepdims=True), loop.timezone)[0]) for one in np.unique(days)}
    return Stream("flights, April to December", days, score, late[kept], last, range(march, april))


def made_up(kind: str, seed: int) -> Stream:
    """60 days to teach a logistic regression, which misses that two inputs matter together, and 60 of reference.

    Then 120 in which inputs move (covariate shift) or, from the middle on, other inputs decide although none moved
    (concept drift). Labels are mature three days later.
    """
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(DAYS), PER_DAY)
    inputs = rng.normal(size=(day.size, 6))
    late = np.clip((day - 120) / 120, 0.0, 1.0)
    weights = np.tile([1.2, -0.8, 0.6, 0.0, 0.0, 0.0], (day.size, 1))
    if kind == "covariate shift":
        inputs[:, 0] += 1.6 * late * np.sin(day / 19)
        inputs[:, 1] *= 1.0 + 0.8 * late
        inputs[:, 2] -= late
    else:
        weights[day >= 180] = [0.2, -0.2, 0.6, 1.0, 0.0, 0.0]
    odds = (inputs * weights).sum(axis=1) + 0.5 * inputs[:, 0] * inputs[:, 2] - 0.7
    label = rng.random(day.size) < 1 / (1 + np.exp(-odds))
    taught = day < 60
    score = LogisticRegression().fit(inputs[taught], label[taught]).predict_proba(inputs[~taught])[:, 1]
    known = {int(one): int(one) + LABEL_DELAY for one in range(60, DAYS)}
    return Stream(f"made up, {kind}", day[~taught], score, label[~taught], known, range(60, 120))


def ours(stream: Stream, *, refreshed: bool) -> dict[str, dict[int, Estimated]]:
    """By figure and day, what is expected at the end of the day."""
    sums = {int(day): ScoreSums.of(*stream.of(int(day))) for day in np.unique(stream.day)}
    found: dict[str, dict[int, Estimated]] = {name: {} for name in FIGURES}
    for day in stream.chunks:
        past = [one for one in sums if one < day and stream.known[one] <= day] if refreshed else stream.reference
        history = [sums[one] for one in past]
        told = estimated(score_counts(stream.of(day)[1]), recent(history) if refreshed else history)
        for name in FIGURES:
            one = told[name]
            assert isinstance(one, Estimated)
            found[name][day] = one
    return found


def realised(stream: Stream) -> dict[str, dict[int, float]]:
    """By figure and day, exactly."""
    found: dict[str, dict[int, float]] = {name: {} for name in FIGURES}
    for day in stream.chunks:
        label, score = stream.of(day)
        found["roc_auc"][day] = metrics.roc_auc(label, score)
        found["accuracy"][day] = float(((score >= 0.5) == label).mean())
    return found


def peer(stream: Stream, interpreter: str) -> Json:
    """What nannyml expects of the same days, from the same rows."""
    used = np.isin(stream.day, [*stream.reference, *stream.chunks])
    day = stream.day[used]
    rows = {"day": day, "score": stream.score[used], "label": stream.label[used].astype(np.int64)}
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        pq.write_table(pa.table({**rows, "reference": day < stream.reference.stop}), file.name)
        script = str(ROOT / "benchmarks" / "labelfree_peers.py")
        done = subprocess.run([interpreter, script, file.name], capture_output=True, check=True, text=True)
    told: Json = json.loads(done.stdout.splitlines()[-1])
    return {name: {int(one): value for one, value in told[name].items()} for name in FIGURES}


def compared(stream: Stream, interpreter: str | None) -> Iterator[Json]:
    """One line per figure: the mean absolute error of each estimator over all days."""
    truth, frozen, fresh = realised(stream), ours(stream, refreshed=False), ours(stream, refreshed=True)
    theirs = None if interpreter is None else peer(stream, interpreter)
    before = {name: _as_in_reference(stream, name) for name in FIGURES}
    for name in FIGURES:
        shown = truth[name]
        errors = {
            "frozen": _error({day: one.interval.value for day, one in frozen[name].items()}, shown),
            "refreshed": _error({day: one.interval.value for day, one in fresh[name].items()}, shown),
            "as in the reference": _error(dict.fromkeys(shown, before[name]), shown),
        }
        if theirs is not None:
            errors[PEER] = _error(theirs[name], shown)
        held = np.mean([one.interval.low <= shown[day] <= one.interval.high for day, one in fresh[name].items()])
        yield {"what": stream.name, "figure": name, "days": len(shown), "error": errors, "bounds held": float(held)}


def measured() -> list[Json]:
    """All lines; made-up streams are the mean over seeds."""
    interpreter = interpreters([PEER]).get(PEER)
    lines = list(compared(flights(), interpreter))
    for kind in ("covariate shift", "concept drift"):
        runs = [list(compared(made_up(kind, seed), interpreter)) for seed in range(SEEDS)]
        for number in range(len(FIGURES)):
            same = [run[number] for run in runs]
            error = {name: float(np.mean([one["error"][name] for one in same])) for name in same[0]["error"]}
            held = float(np.mean([one["bounds held"] for one in same]))
            lines.append({**same[0], "days": sum(one["days"] for one in same), "error": error, "bounds held": held})
    return lines


def missed(lines: list[Json]) -> Iterator[str]:
    """The promises that a run missed: refreshed, at most nannyml's error where the relation holds."""
    for one in lines:
        error = one["error"]
        if PEER in error and "concept" not in one["what"] and error["refreshed"] > error[PEER]:
            yield f"{one['what']}, {one['figure']}: {error['refreshed']:.4f} > nannyml {error[PEER]:.4f}"


def _error(estimates: Mapping[int, float], truth: Mapping[int, float]) -> float:
    return float(np.mean([abs(estimates[day] - value) for day, value in truth.items()]))


def _as_in_reference(stream: Stream, name: str) -> float:
    there = np.isin(stream.day, list(stream.reference))
    label, score = stream.label[there], stream.score[there]
    return metrics.roc_auc(label, score) if name == "roc_auc" else float(((score >= 0.5) == label).mean())


def _ordinal(day: str) -> int:
    return int(days_of(np.array([window(day, loop.timezone).start]), loop.timezone)[0])


def main() -> None:
    """Print the table, or JSON."""
    lines = measured()
    if "--json" in sys.argv[1:]:
        print(json.dumps(lines, indent=2))
        return
    for one in lines:
        errors = ", ".join(f"{name} {value:.4f}" for name, value in one["error"].items())
        print(f"{one['what']}, {one['figure']}, {one['days']} days: {errors}; bounds held {one['bounds held']:.1%}")
    print("\n".join(f"MISSED: {what}" for what in missed(lines)) or "all promises held")


if __name__ == "__main__":
    main()
