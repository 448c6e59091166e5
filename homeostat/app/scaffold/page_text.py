"""The page and the example that lie beside a new loop file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from homeostat.app.scaffold.outcomes import spread_told
from homeostat.app.scaffold.plan import Plan

_REPLIES = {
    "binary": "`probability` is that of yes, `prediction` whether it is the likelier answer.",
    "regression": "`prediction` is the number.",
    "multiclass": "`prediction` is the likeliest class, `probabilities` the chance of each.",
}


def example_file(row: Mapping[str, Any]) -> str:
    """``example.json``: a request about one row."""
    return json.dumps({"rows": [dict(row)]}, indent=2, ensure_ascii=False, default=str) + "\n"


def readme_file(plan: Plan) -> str:
    """``README.md``: how to run it, ask it, and go on from there."""
    told = "\n".join(f"* {text}" for text in plan.assumed)
    return f"""# {plan.loop}

{plan.target.question} Made by `homeostat init` of {plan.made_of}, of which
{plan.labelled:,} have an outcome: {spread_told(plan.spread, plan.target)}.

Run it from this folder:

    homeostat up

The first version is trained from the history, judged on its newest days, and serves within a minute or so;
`homeostat status` says how it stands, and the dashboard is on http://127.0.0.1:8401.

Ask it:

    curl -H 'Content-Type: application/json' -d @example.json http://127.0.0.1:8400/loops/{plan.loop}/predict

In the reply, {_REPLIES[plan.target.answers]}

Send every question as an event too, and later its outcome; both are what the next version learns from:

    curl -H 'Content-Type: application/json' -d @example.json \\
        http://127.0.0.1:8400/tables/{plan.prefix}_questions/events
    curl -H 'Content-Type: application/json' -d '{{"rows": [{{...}}]}}' \\
        http://127.0.0.1:8400/tables/{plan.prefix}_outcomes/events

Try a change of `loop.py` before it is released: `python -m pytest`, and `homeostat ci` while Homeostat runs or not
(with `--allow-unknown skew` before anybody was served).

## What was assumed

{told}

Look at every contract in `loop.py`: ranges and categories are those of the history, and only warn. `history/` is what
was taken in; it is not read again.
"""
