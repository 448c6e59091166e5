"""How two meanings of one definition differ, in words, and which differences change no value of the older one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homeostat.kernel.clock import format_duration

Meaning = Mapping[str, Any]
Path = tuple[str, ...]
_GROWS = ("over", "columns", "features")
"""Lists whose items give values of their own: one more changes none of the others."""
_TIMES = ("over", "max_age", "freshness")
_LONGEST = 60
_STRICTER = {"warn": 0, "quarantine": 1, "reject": 2}


def harm(then: Meaning, now: Meaning) -> list[str]:
    """Every difference that may change a value of ``then``, in words; empty when none can.

    >>> window = {"view": "window", "over": [10_800_000_000, 86_400_000_000], "features": ["x_3h", "x_24h"]}
    >>> harm(window, {**window, "over": [10_800_000_000, 172_800_000_000], "features": ["x_3h", "x_48h"]})
    ['over 3h, 1d became 3h, 2d']
    >>> harm(window, {**window, "over": [10_800_000_000, 86_400_000_000, 172_800_000_000]})
    []
    """
    found = [(path, old, new) for path, old, new in _changes(then, now, ()) if not _harmless(path, old, new, then)]
    told = [one for one in found if not _follows(one[0])] or found
    return [_said(*one) for one in told]


def _follows(path: Path) -> bool:
    """Whether a difference only follows from another: names of features, columns that are read for them."""
    return path == ("features",) or path[-2:-1] == ("contract",)


def _changes(then: Any, now: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Where two values differ; what is null on one side and absent on the other does not."""
    if path == ("default",):
        then, now = then or {}, now or {}
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys([*then, *now]):
            yield from _changes(then.get(name), now.get(name), (*path, name))
    elif _settled(then) != _settled(now):
        yield path, then, now


def _settled(value: Any) -> Any:
    """The same for tuple and list, and for everything that says nothing."""
    if isinstance(value, (list, tuple)):
        value = [_settled(one) for one in value]
    return None if value is None or value is False or value in ([], {}, "") else value


def _harmless(path: Path, then: Any, now: Any, whole: Meaning) -> bool:
    if "contract" in path:
        return _allows_more(path[path.index("contract") + 1 :], then, now)
    if path[0] == "rules" or path[:2] == ("table", "rules"):
        return now is None
    if len(path) == 1 and path[0] in _GROWS:
        return set(then or ()) <= set(now or ())
    if len(path) == 2 and path[0] == "values":
        return then is None
    if path[0] == "default":
        return then is None and path[1] not in {*whole.get("values", ()), *whole.get("columns", ())}
    return path == ("freshness",) and not whole.get("default")


def _allows_more(part: Path, then: Any, now: Any) -> bool:
    """Whether every row that was accepted still is, with the same values."""
    if len(part) == 1:
        return then is None
    match part[1]:
        case "low":
            return now is None or (then is not None and now <= then)
        case "high":
            return now is None or (then is not None and now >= then)
        case "nullable":
            return bool(now)
        case "categories":
            return now is None or (then is not None and set(then) <= set(now))
        case "matches":
            return now is None
        case "open":
            return bool(now)
        case "verdict":
            return _STRICTER[now or "quarantine"] < _STRICTER[then or "quarantine"]
    return False


def _said(path: Path, then: Any, now: Any) -> str:
    label = _label(path)
    if then is None or now is None:
        value = _value(path, now if then is None else then)
        return f"{label} {value} was {'added' if then is None else 'dropped'}".replace("  ", " ")
    if isinstance(then, str) and "\n" in f"{then}{now}":
        then, now = _first_difference(then, str(now))
    return f"{label} {_value(path, then)} became {_value(path, now)}"


def _label(path: Path) -> str:
    if "contract" in path:
        column, *rest = path[path.index("contract") + 1 :]
        return " ".join([*rest[:1], "of column" if rest else "column", column])
    return " ".join(path).replace("_", " ")


def _value(path: Path, value: Any) -> str:
    if isinstance(value, Mapping):
        return ""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_value(path, one) for one in value)
    if path[-1] in _TIMES and isinstance(value, int):
        return format_duration(value)
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _first_difference(then: str, now: str) -> tuple[str, str]:
    """The first line in which two sources differ."""
    old, new = then.splitlines(), now.splitlines()
    place = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    return tuple((lines[place].strip() if place < len(lines) else "nothing") for lines in (old, new))  # type: ignore
