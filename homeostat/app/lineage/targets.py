"""What somebody asks the impact of: a table, one version of it, a definition, or a version."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from homeostat.data.checks import did_you_mean
from homeostat.kernel.errors import InvalidInput, NotFound

TargetKind = Literal["table", "column", "view", "feature", "version"]
_FORM = (
    "Give TABLE, TABLE@VERSION, TABLE.COLUMN, the name of a view, transform or feature, or a version such as v3 or"
    " LOOP/v3."
)


@dataclass(frozen=True, slots=True)
class Target:
    """A table at a Delta ``version``, at any where that is None; a ``TABLE.COLUMN`` of it; a view or transform; a
    feature; or a version of a ``loop``."""

    kind: TargetKind
    name: str
    version: int | None = None
    loop: str | None = None


def target_of(
    text: str,
    tables: Collection[str],
    views: Collection[str],
    versions: Mapping[str, Collection[str]],
    features: Collection[str] = (),
    columns: Collection[str] = (),
) -> Target:
    """What a person means; ``versions`` are those of each loop, ``columns`` are ``TABLE.COLUMN``. ``table:``, ``view:``
    or ``feature:`` tells apart what is more than one; a feature is meant where nothing else is.

    Raises: NotFound for what there is not, with what is nearest; InvalidInput where it may be two things.

    >>> target_of("arrivals@7", ["arrivals"], [], {})
    Target(kind='table', name='arrivals', version=7, loop=None)
    >>> target_of("late/v3", [], [], {"late": ["v3"]})
    Target(kind='version', name='v3', version=None, loop='late')
    """
    kind, _, rest = text.rpartition(":")
    name, _, number = rest.partition("@")
    meant = [_version(rest, versions)] if not kind else []
    if kind in ("", "table") and name in tables:
        meant.append(Target("table", name, _number(text, number)))
    if kind in ("", "view") and rest in views:
        meant.append(Target("view", rest))
    if kind in ("", "column") and rest in columns:
        meant.append(Target("column", rest))
    if rest in features and (kind == "feature" or (not kind and not any(meant))):
        meant.append(Target("feature", rest))
    found = [one for one in meant if one is not None]
    if len(found) == 1:
        return found[0]
    if found:
        kinds = " and ".join(f"{one.kind}:{one.name}" for one in found)
        raise InvalidInput(f"{text!r} is more than one thing.", mend=f"Say which: {kinds}.", asked=text)
    known = [*tables, *views, *(f"{loop}/{one}" for loop, names in versions.items() for one in names)]
    known += sorted(columns) if "." in rest else sorted(features)
    raise NotFound(f"Nothing here is named {text!r}.", mend=f"{did_you_mean(name, known)} {_FORM}", asked=text)


def _version(text: str, versions: Mapping[str, Collection[str]]) -> Target | None:
    loop, _, name = text.rpartition("/")
    found = [each for each, names in versions.items() if name in names and loop in ("", each)]
    if len(found) > 1:
        mend = f"Say which: {' or '.join(f'{each}/{name}' for each in found)}."
        raise InvalidInput(f"Several loops have a version {name!r}.", mend=mend, asked=text)
    return Target("version", name, loop=found[0]) if found else None


def _number(text: str, number: str) -> int | None:
    if not number and "@" not in text:
        return None
    if not re.fullmatch(r"\d{1,15}", number):
        raise InvalidInput(f"{text!r} names no version of a table.", mend=_FORM, asked=text)
    return int(number)
