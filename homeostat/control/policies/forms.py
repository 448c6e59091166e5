"""Policies without Python: their canonical form read back, from JSON or TOML, and refused with a mend."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from typing import Any

from homeostat.control.policies.base import AllOf, AnyOf, AtLeast, Policy
from homeostat.control.policies.drift import Drift
from homeostat.control.policies.economic import Economic
from homeostat.control.policies.outcomes import Emergency, Estimated, Realised
from homeostat.control.policies.retrain import Retrain
from homeostat.control.policies.sustained import Sustained
from homeostat.control.policies.timing import Growth, Schedule, Volume
from homeostat.data.checks import did_you_mean
from homeostat.kernel.errors import InvalidInput

KINDS: Mapping[str, type[Policy]] = {
    one.kind: one
    for one in (
        AnyOf,
        AllOf,
        AtLeast,
        Sustained,
        Schedule,
        Volume,
        Growth,
        Drift,
        Realised,
        Estimated,
        Emergency,
        Economic,
    )
}
"""Every kind of policy by its name in the form."""
_WHEN = "when"


def policy_of(form: object) -> Policy:
    """A policy from its form; fields left out have their defaults.

    Raises: InvalidInput for an unknown kind or field, and for what the policy itself refuses.

    >>> policy_of({"kind": "any", "of": [{"kind": "realised"}, {"kind": "schedule", "at_latest": "60d"}]}).kind
    'any'
    """
    if not isinstance(form, Mapping) or not isinstance(form.get("kind"), str):
        raise InvalidInput(
            f"{_short(form)} is no policy.",
            mend=f'Write an object with its kind, such as {{"kind": "realised"}}. Kinds: {", ".join(KINDS)}.',
        )
    kind = form["kind"]
    if kind not in KINDS:
        raise InvalidInput(f"There is no policy of kind {kind!r}.", mend=did_you_mean(kind, KINDS), kind=kind)
    given = {str(name): value for name, value in form.items() if name != "kind"}
    return _made(KINDS[kind], kind, {name: _value(kind, name, value) for name, value in given.items()})


def retrain_of(form: object, base: Retrain) -> Retrain:
    """What a file says of one way to retrain: a policy alone, or ``when`` with what stands around it.

    What the file leaves out is as in ``base``, and so are the spans of the training data. A policy alone has nothing
    around it that would contradict it: it keeps the cool-down of ``base`` and the rest.
    Raises: InvalidInput as ``policy_of`` does.
    """
    if not isinstance(form, Mapping) or _WHEN not in form:
        return dataclasses.replace(base, when=policy_of(form))
    return Retrain.from_json(form, base)


def policies_of(text: str, base: Retrain) -> dict[str, Retrain]:
    """Named policies from a file's text, JSON or TOML: a table ``policies`` with one entry per name.

    Raises: InvalidInput that names the policy.

    >>> found = policies_of('[policies.monthly]\\nkind = "schedule"\\nat_latest = "30d"', Retrain())
    >>> found["monthly"].when
    Schedule(at_latest='30d', not_before=None)
    """
    told = _parsed(text)
    named = told.get("policies")
    if not isinstance(named, Mapping) or not named or set(told) != {"policies"}:
        raise InvalidInput(
            "The file holds no policies.",
            mend='Write {"policies": {"monthly": {"kind": "schedule", "at_latest": "30d"}}}, or the same as TOML.',
        )
    found = {}
    for name, form in named.items():
        try:
            found[str(name)] = retrain_of(form, base)
        except InvalidInput as error:
            raise InvalidInput(f"Policy {str(name)!r}: {error.problem}", mend=error.mend, policy=str(name)) from error
    return found


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        told = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"The file is neither JSON nor TOML: {error}.", mend="Mend it there.") from error
    return dict(told)


def _value(kind: str, name: str, value: object) -> object:
    if name == "policy":
        return policy_of(value)
    if name == "of" and kind != "sustained":
        if not isinstance(value, list | tuple):
            raise InvalidInput(f"{kind}: of={_short(value)} is no list.", mend='Write "of": [{...}, {...}].')
        return tuple(policy_of(one) for one in value)
    return value


def _made(made_of: type[Policy], kind: str, given: Mapping[str, Any]) -> Policy:
    fields = {one.name: one for one in dataclasses.fields(made_of)}  # type: ignore[arg-type]
    wrong = [name for name in given if name not in fields]
    if wrong:
        raise InvalidInput(f"{kind}: no field {wrong[0]!r}.", mend=did_you_mean(wrong[0], fields), kind=kind)
    missing = [name for name, one in fields.items() if one.default is dataclasses.MISSING and name not in given]
    if missing:
        raise InvalidInput(f"{kind}: {missing[0]} is missing.", mend=f"Say {', '.join(missing)}.", kind=kind)
    return made_of(**given)


def _short(value: object) -> str:
    return repr(value)[:80]
