"""The sawtooth as one picture that needs nothing beside it: a policy's skill week by week, and when it retrained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from homeostat.kernel.words import plural

Json = dict[str, Any]
_WIDTH, _LEFT, _RIGHT, _TOP = 960, 210, 20, 46
_PANEL, _GAP, _FOOT = 62, 16, 34
_MARKS = {
    "promoted": ("asked", "promoted"),
    "unfinished": ("asked", "not finished when the history ends"),
    "taken_back": ("back", "taken back"),
    "rejected": ("back", "rejected by the gate"),
    "failed": ("back", "training failed"),
}
_STYLE = """
svg { color-scheme: light dark; font: 12px Inter, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.page { fill: #ffffff; } .ink { fill: #17171c; } .soft { fill: #55555f; } .name { font-weight: 600; }
.edge { stroke: #e5e5ea; } .never { stroke: #7a7a86; stroke-width: 1.2; fill: none; }
.oracle { stroke: #19a974; stroke-width: 1.2; fill: none; stroke-dasharray: 3 3; }
.line { stroke: #4f46e5; stroke-width: 2; fill: none; stroke-linejoin: round; }
.asked { stroke: #4f46e5; stroke-width: 1; } .back { stroke: #bd2733; stroke-width: 1; stroke-dasharray: 2 2; }
.dot-asked { fill: #4f46e5; } .dot-back { fill: #bd2733; }
@media (prefers-color-scheme: dark) {
.page { fill: #131318; } .ink { fill: #ededf2; } .soft { fill: #a9a9b5; }
.edge { stroke: #26262e; } .never { stroke: #9292a0; } .oracle { stroke: #2fae7c; }
.line { stroke: #9a9bff; } .asked { stroke: #9a9bff; } .back { stroke: #ff8a8a; }
.dot-asked { fill: #9a9bff; } .dot-back { fill: #ff8a8a; }
}
"""


def sawtooth(report: Json) -> str:
    """One panel per policy, all on the same scale: its skill, that of never retraining and that of the oracle."""
    policies, weeks = report["policies"], report["weeks"]
    height = _TOP + len(policies) * (_PANEL + _GAP) + _FOOT
    known = [week["skill"] for one in policies for week in one["weeks"] if week["skill"] is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    scale = _Scale(len(weeks), low - 0.05 * (high - low or 1.0), high + 0.05 * (high - low or 1.0))
    beside = {one["name"]: one for one in policies if one["name"] in ("never", "oracle")}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        f' role="img" aria-label="{_text(_label(report))}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}"/>',
        *_legend(),
    ]
    for place, policy in enumerate(policies):
        parts += _panel(policy, beside, scale, _TOP + place * (_PANEL + _GAP), report["unit"])
    parts += _months(weeks, scale, height - _FOOT + 14)
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    """From weeks and skill to places in a panel."""

    def __init__(self, weeks: int, low: float, high: float) -> None:
        self.weeks, self.low, self.high = max(weeks, 1), low, high

    def x(self, week: float) -> float:
        return _LEFT + (week / self.weeks) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, skill: float, top: float) -> float:
        return top + _PANEL * (self.high - skill) / (self.high - self.low)


def _label(report: Json) -> str:
    return f"Skill of {report['loop']} week by week under {len(report['policies'])} policies"


def _panel(policy: Json, beside: dict[str, Json], scale: _Scale, top: float, unit: str) -> list[str]:
    bottom = top + _PANEL
    regret = policy["regret"]
    told = "regret unknown" if regret is None else f"regret {regret:.2f}"
    parts = [
        f'<text class="ink name" x="12" y="{top + 16:.0f}">{_text(policy["name"])}</text>',
        f'<text class="soft" x="12" y="{top + 33:.0f}">{_counted(policy["retrains"])}, {told}</text>',
        f'<text class="soft" x="12" y="{top + 50:.0f}">{policy["total_cost"]:,.0f} {_text(unit)}</text>',
        f'<line class="edge" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>',
    ]
    for value in _round_values(scale):
        y = scale.y(value, top)
        parts.append(f'<line class="edge" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="soft" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for name in ("never", "oracle"):
        if name in beside and name != policy["name"]:
            parts += _line(beside[name]["weeks"], name, scale, top)
    for one in policy["asked"]:
        kind, what = _MARKS[one["outcome"]]
        x, title = scale.x(one["week"]), f"{one['version']}: {what}. {'; '.join(one['because'])}"
        parts.append(
            f'<g><title>{_text(title)}</title><line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'
            f'<circle class="dot-{kind}" cx="{x:.1f}" cy="{top}" r="3"/></g>'
        )
    return [*parts, *_line(policy["weeks"], "line", scale, top)]


def _line(weeks: Sequence[Json], kind: str, scale: _Scale, top: float) -> list[str]:
    """Weeks joined to lines, with gaps where the skill is not known."""
    runs: list[list[str]] = [[]]
    for week in weeks:
        if week["skill"] is None:
            runs.append([])
        else:
            runs[-1].append(f"{scale.x(week['week'] + 0.5):.1f},{scale.y(week['skill'], top):.1f}")
    return [f'<polyline class="{kind}" points="{" ".join(run)}"/>' for run in runs if run]


def _legend() -> list[str]:
    marks = [("line", "the policy's skill"), ("never", "never retrained"), ("oracle", "oracle")]
    parts, x = [], float(_LEFT)
    for kind, text in marks:
        parts.append(f'<line class="{kind}" x1="{x:.0f}" x2="{x + 22:.0f}" y1="18" y2="18"/>')
        parts.append(f'<text class="soft" x="{x + 28:.0f}" y="22">{text}</text>')
        x += 150
    for kind, text in (("asked", "retrained"), ("back", "not released, or taken back")):
        parts.append(f'<line class="{kind}" x1="{x:.0f}" x2="{x:.0f}" y1="11" y2="26"/>')
        parts.append(f'<circle class="dot-{kind}" cx="{x:.0f}" cy="11" r="3"/>')
        parts.append(f'<text class="soft" x="{x + 8:.0f}" y="22">{text}</text>')
        x += 90
    return parts


def _months(weeks: Sequence[Json], scale: _Scale, y: float) -> list[str]:
    """The first week that begins in each month; every second one where there are many."""
    firsts = [
        one for place, one in enumerate(weeks) if not place or one["first_day"][:7] != weeks[place - 1]["first_day"][:7]
    ]
    every = max(1, math.ceil(len(firsts) / 14))
    return [
        f'<text class="soft" x="{scale.x(one["week"]):.1f}" y="{y:.0f}">{one["first_day"][:7]}</text>'
        for one in firsts[::every]
    ]


def _round_values(scale: _Scale) -> list[float]:
    """A few round values within the panel."""
    rough = (scale.high - scale.low) / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return [round(n * step, 10) for n in range(math.ceil(scale.low / step), math.floor(scale.high / step) + 1)]


def _counted(retrains: int) -> str:
    return plural(retrains, "retraining")


def _text(value: str) -> str:
    return escape(value, {'"': "&quot;"})
