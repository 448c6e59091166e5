"""A contract's pattern as a regular expression of JSON Schema, which means the same characters in every engine."""

from __future__ import annotations

from homeostat.data.syntax import Alternatives, Characters, Node, Repeat, Sequence, parse


def ecma(pattern: str) -> str:
    r"""The pattern for ECMA-262, anchored: a contract's pattern covers the whole text.

    >>> ecma(r"N\d{1,2}")
    '^(?:[\\u004e][\\u0030-\\u0039]{1,2})$'
    """
    return f"^(?:{_written(parse(pattern))})$"


def _written(node: Node) -> str:
    match node:
        case Characters(ranges, negated):
            return f"[{'^' if negated else ''}{''.join(_range(low, high) for low, high in ranges)}]"
        case Sequence(parts):
            return "".join(_written(part) for part in parts)
        case Alternatives(choices):
            return f"(?:{'|'.join(_written(choice) for choice in choices)})"
        case Repeat(part, low, high):
            return (
                f"(?:{_written(part)}){_count(low, high)}"
                if not isinstance(part, Characters)
                else (f"{_written(part)}{_count(low, high)}")
            )


def _range(low: str, high: str) -> str:
    return _character(low) if low == high else f"{_character(low)}-{_character(high)}"


def _character(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) < 0x10000 else one


def _count(low: int, high: int | None) -> str:
    return f"{{{low},{'' if high is None else high}}}"
