"""Is the data broken? What days of today show that no earlier day did: contracts, silence, gaps, volume, labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date

from homeostat.kernel.clock import duration
from homeostat.kernel.verdicts import Reason
from homeostat.kernel.words import plural
from homeostat.monitoring.history import DayFacts

MORE_MISSING = 0.1
"""A missing share above the mean of earlier days by this, and above the greatest of them by half of it, is a gap."""
QUARANTINE_SHARE = 0.05
LESS_VOLUME = 0.6
MORE_UNLABELLED = 0.2
_SHARE_OF_DAYS = 0.3
_OFTEN = 0.8
"""Seen on more than so many of the days, a gap need only exceed what so many of the earlier days had: some of these
may have been broken already."""
_SILENT = duration("1d")
_FEWEST_LABELS = 20

Days = Sequence[DayFacts]


def lasting(flags: Sequence[bool]) -> bool:
    """Whether something is seen on two days at least and on three days of ten: one bad day is no broken source.

    >>> lasting([False, True, True, False]), lasting([False] * 9 + [True])
    (True, False)
    """
    return sum(flags) >= max(2, math.ceil(_SHARE_OF_DAYS * len(flags)))


def breaks_of_days(before: Days, lately: Days) -> list[Reason]:
    """Every break that days show by themselves, each with both sides."""
    checks = (_contracts, _silences, _silent_tables, _gaps, _volume, _labels)
    return [reason for check in checks for reason in check(before, lately)]


def _contracts(before: Days, lately: Days) -> Iterator[Reason]:
    for table in sorted({name for day in lately for name in day.quarantined}):

        def share(day: DayFacts, table: str = table) -> float:
            kept = day.quarantined.get(table, 0)
            return kept / max(kept + day.rows, 1)

        usual, now = max(map(share, before)), [share(day) for day in lately]
        limit = max(QUARANTINE_SHARE, 2.0 * usual)
        if lasting([one > limit for one in now]):
            text = f"{_percent(max(now))} of the rows of {table} broke its contract on a day, at most {_percent(usual)}"
            yield Reason("contract", max(now), limit, f"{text} before")


def _silences(before: Days, lately: Days) -> Iterator[Reason]:
    for name in sorted({name for day in lately for name in day.fresh}):
        missed = [day.fresh.get(name) is False for day in lately]
        usual = sum(day.fresh.get(name) is False for day in before) / len(before)
        if lasting(missed) and usual < _SHARE_OF_DAYS * sum(missed) / len(missed):
            text = f"{name} was older than its objective at the end of {sum(missed)} of {plural(len(missed), 'day')},"
            yield Reason("stale", sum(missed) / len(missed), usual, f"{text} of {_percent(usual)} of days before")


def _silent_tables(before: Days, lately: Days) -> Iterator[Reason]:
    """A table without an objective, which had news on every day and has none now."""
    declared = {name.partition(" ")[2] for day in lately for name in day.fresh if name.startswith("table ")}
    for table in sorted({name for day in lately for name in day.age} - declared):
        usual = [age for day in before if (age := day.age.get(table)) is not None]
        if not usual or max(usual) > _SILENT:
            continue
        now = [day.age.get(table) or 0 for day in lately]
        if lasting([age > _SILENT + max(usual) for age in now]):
            text = (
                f"{table} had no news for {max(now) / _SILENT:.1f} days, for at most {max(usual) / _SILENT:.1f} before"
            )
            yield Reason("stale", max(now) / _SILENT, max(usual) / _SILENT, text)


def _gaps(before: Days, lately: Days) -> Iterator[Reason]:
    for name in sorted({name for day in lately for name in day.missing}):
        usual = [day.missing[name] for day in before if name in day.missing]
        now = [day.missing[name] for day in lately if name in day.missing]
        if not usual:
            continue
        limit = max(sum(usual) / len(usual) + MORE_MISSING, max(usual) + MORE_MISSING / 2)
        often = _quantile(usual, _OFTEN) + MORE_MISSING
        above = sum(share > often for share in now)
        if lasting([share > limit for share in now]):
            text = f"{name} has no value in {_percent(max(now))} of the rows of a day"
            yield Reason("missing", max(now), limit, f"{text}, in at most {_percent(max(usual))} before")
        elif len(now) >= 3 and above > _OFTEN * len(now):
            text = (
                f"{name} has no value in more than {_percent(often)} of the rows on {above} of"
                f" {plural(len(now), 'day')}"
            )
            once = sum(share > often for share in usual)
            yield Reason("missing", max(now), often, f"{text}, on {once} of {len(usual)} before")


def _volume(before: Days, lately: Days) -> Iterator[Reason]:
    def usual(day: DayFacts) -> list[int]:
        weekday = date.fromisoformat(day.day).weekday()
        same = [one.rows for one in before if date.fromisoformat(one.day).weekday() == weekday]
        return same if len(same) >= 2 else [one.rows for one in before]

    few = [day.rows < LESS_VOLUME * min(usual(day)) for day in lately]
    many = [day.rows > max(usual(day)) / LESS_VOLUME for day in lately]
    for flags, pick, word in ((few, min, "least"), (many, max, "most")):
        if lasting(flags):
            day = pick((one for one, flag in zip(lately, flags, strict=True) if flag), key=lambda one: one.rows)
            expected = pick(usual(day))
            text = f"{plural(day.rows, 'row')} on {day.day}, at {word} {expected} on such days before"
            yield Reason("volume", day.rows, expected, text)


def _labels(before: Days, lately: Days) -> Iterator[Reason]:
    yield from _absent_labels(before, lately)
    seen = [day for day in lately if day.labelled]
    whole = list(_all_alike([day for day in before if day.labelled], seen)) if len(seen) >= 2 else []
    yield from whole
    if not whole and lasting([day.no_chance for day in seen]):
        days = [day.day for day in seen if day.no_chance]
        text = (
            f"all labels of a day are alike, which is no chance, on {len(days)} of {plural(len(seen), 'day')}"
            f" since {days[0]}"
        )
        yield Reason("labels_one_class", len(days) / len(seen), 0.0, text)


def _all_alike(known: Days, seen: Days) -> Iterator[Reason]:
    """All labels of all days that have some, though those of the days before differed."""
    rows, positives = (sum(getattr(day, name) or 0 for day in seen) for name in ("labelled", "positives"))
    usual = sum(day.positives or 0 for day in known) / max(sum(day.labelled or 0 for day in known), 1)
    if rows * min(usual, 1.0 - usual) >= _FEWEST_LABELS and positives in (0, rows):
        text = f"all {rows} labels are {'true' if positives else 'false'}, {_percent(usual)} were true before"
        yield Reason("labels_one_class", positives / rows, usual, text)
    alike = {day.alike for day in seen}
    differed = bool(known) and all(day.alike is None for day in known)
    if rows >= _FEWEST_LABELS and len(alike) == 1 and None not in alike and differed:
        text = (
            f"all {rows} labels are {next(iter(alike))}, on none of {plural(len(known), 'day')} before were all alike"
        )
        yield Reason("labels_one_class", 1.0, 0.0, text)


def _absent_labels(before: Days, lately: Days) -> Iterator[Reason]:
    def absent(day: DayFacts) -> float:
        return (day.unlabelled or 0) / max((day.labelled or 0) + (day.unlabelled or 0), 1)

    usual = [absent(day) for day in before if day.labelled is not None]
    now = [absent(day) for day in lately if day.labelled is not None]
    if usual and now and lasting([share > max(usual) + MORE_UNLABELLED for share in now]):
        text = f"{_percent(max(now))} of matured rows of a day have no label, at most {_percent(max(usual))} before"
        yield Reason("labels_missing", max(now), max(usual) + MORE_UNLABELLED, text)


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
