"""The syntax of patterns: what may stand in one, as a tree."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.kernel.errors import InvalidInput

_MOST_COUNT = 1_000
_DIGITS = (("0", "9"),)
_WORD = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
_SPACE = (("\t", "\r"), (" ", " "))
_SHORT = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}
_MEND = (
    "Use characters, '.', [classes], (groups), a|b and counts ? * + {m,n}; escape others with a backslash. A pattern"
    " covers the whole text. There are no look-arounds, back-references, flags or lazy counts."
)


@dataclass(frozen=True, slots=True)
class Characters:
    """One character out of some ranges, or outside all of them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def holds(self, character: str) -> bool:
        """Whether the character is meant."""
        return any(low <= character <= high for low, high in self.ranges) != self.negated


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Any one of the choices."""

    choices: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part from ``low`` to ``high`` times; None is without end."""

    part: Node
    low: int
    high: int | None


Node = Characters | Sequence | Alternatives | Repeat


def parse(text: str) -> Node:
    """Read a pattern. Raises: InvalidInput naming the place.

    >>> parse("a+")
    Sequence(parts=(Repeat(part=Characters(ranges=(('a', 'a'),), negated=False), low=1, high=None),))
    """
    if not isinstance(text, str):
        raise InvalidInput(f"A pattern is a text, not {text!r}.", mend=r"Write such as r'N\d{1,5}'.")
    reader = _Reader(text)
    try:
        tree = reader.alternatives()
    except RecursionError as error:
        raise InvalidInput("A pattern is nested too deep.", mend="Use fewer groups within groups.") from error
    if reader.rest():
        raise reader.refuse("closes a group that was never opened")
    return tree


class _Reader:
    """Reads from left to right, one character at a time."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0

    def rest(self) -> str:
        """What has not been read."""
        return self._text[self._at :]

    def refuse(self, why: str) -> InvalidInput:
        """An error that names the place."""
        shown = self._text[self._at : self._at + 4] or "the end"
        problem = f"Pattern {self._text!r} cannot be read: at {self._at}, {shown!r} {why}."
        return InvalidInput(problem, mend=_MEND, pattern=self._text, at=self._at)

    def alternatives(self) -> Node:
        """``a|b|c``."""
        choices = [self._sequence()]
        while self._take("|"):
            choices.append(self._sequence())
        return choices[0] if len(choices) == 1 else Alternatives(tuple(choices))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while (rest := self.rest()) and rest[0] not in "|)":
            if (rest[0] == "^" and self._at == 0) or rest == "$":
                self._at += 1  # the whole text is meant anyway
                continue
            parts.append(self._counted(self._atom()))
        return Sequence(tuple(parts))

    def _counted(self, part: Node) -> Node:
        bounds = self._count()
        if bounds is None:
            return part
        if self.rest()[:1] in ("?", "+", "*", "{"):
            raise self.refuse("counts a count")
        return Repeat(part, *bounds)

    def _count(self) -> tuple[int, int | None] | None:
        for sign, bounds in {"?": (0, 1), "*": (0, None), "+": (1, None)}.items():
            if self._take(sign):
                return bounds
        return self._braces() if self.rest()[:1] == "{" else None

    def _braces(self) -> tuple[int, int | None]:
        inside, closed, _ = self.rest()[1:].partition("}")
        low, comma, high = inside.partition(",")
        most = high if comma else low
        if not closed or not _whole(low) or not (_whole(most) or (comma and not most)):
            raise self.refuse("is no count")
        bounds = int(low), int(most) if most else None
        if max(bounds[0], bounds[1] or 0) > _MOST_COUNT or (bounds[1] is not None and bounds[1] < bounds[0]):
            raise self.refuse(f"is no count from small to great, at most {_MOST_COUNT}")
        self._at += len(inside) + 2
        return bounds

    def _atom(self) -> Node:
        sign = self.rest()[0]
        if sign == "(":
            return self._group()
        if sign == "[":
            return self._class()
        if sign == "\\":
            return self._escape()
        if sign in "?*+{":
            raise self.refuse("counts nothing")
        if sign in "^$":
            raise self.refuse("stands inside the pattern")
        self._at += 1
        return Characters((("\n", "\n"),), negated=True) if sign == "." else _one(sign)

    def _group(self) -> Node:
        if self.rest().startswith("(?") and not self.rest().startswith("(?:"):
            raise self.refuse("is a special group")
        self._at += 3 if self.rest().startswith("(?:") else 1
        inner = self.alternatives()
        if not self._take(")"):
            raise self.refuse("leaves a group open")
        return inner

    def _escape(self) -> Characters:
        sign = self.rest()[1:2]
        if sign.lower() in _SHORT and sign:
            self._at += 2
            return Characters(_SHORT[sign.lower()], negated=sign.isupper())
        if sign in _CONTROL or (sign.isascii() and sign and not sign.isalnum()):
            self._at += 2
            return _one(_CONTROL.get(sign, sign))
        raise self.refuse("is no escape that every engine reads alike")

    def _class(self) -> Characters:
        self._at += 1
        negated = self._take("^")
        ranges: list[tuple[str, str]] = []
        while not self._take("]"):
            ranges += self._members()
        if not ranges:
            raise self.refuse("follows a class without members")
        return Characters(tuple(sorted(set(ranges))), negated)

    def _members(self) -> tuple[tuple[str, str], ...]:
        low = self._member()
        if self.rest()[:1] != "-" or self.rest()[1:2] in ("]", ""):
            return low.ranges
        self._at += 1
        high = self._member()
        ends = [*low.ranges, *high.ranges]
        if len(ends) != 2 or low.negated or high.negated or low.ranges[0] > high.ranges[0]:
            raise self.refuse("follows a range that does not go from one character up to another")
        return ((ends[0][0], ends[1][1]),)

    def _member(self) -> Characters:
        sign = self.rest()[:1]
        if sign in ("", "["):
            raise self.refuse("may not stand in a class" if sign else "leaves a class open")
        if sign == "\\":
            found = self._escape()
            if found.negated:
                raise self.refuse("follows a negated escape inside a class")
            return found
        self._at += 1
        return _one(sign)

    def _take(self, sign: str) -> bool:
        found = self.rest().startswith(sign)
        self._at += len(sign) if found else 0
        return found


def _one(character: str) -> Characters:
    return Characters(((character, character),))


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal()
