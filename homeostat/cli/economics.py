"""The command that tells what a loop costs and saves, and how often retraining pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.cli.context import opened
from homeostat.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LoopArgument
from homeostat.cli.output import data, errors_shown, show, talk
from homeostat.cli.tabled import print_table
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.words import plural

if TYPE_CHECKING:
    from homeostat.control.economics.inputs import Economics

Json = dict[str, Any]
_RETRAINING = ("compute", "validation", "deployment", "risk", "total")
_ROWS = (
    ("predictions a day", ("traffic",)),
    ("skill lost, share a day", ("decay", "rate")),
    ("skill of a fresh version", ("decay", "fresh_skill")),
    ("lost to age, now", ("staleness",)),
    *((f"retraining: {name}", ("retraining", name)) for name in _RETRAINING),
    ("retrain every, square root", ("interval", "square_root")),
    ("retrain every, exactly", ("interval", "exact")),
    ("retrain every, curve as seen", ("interval", "curve")),
    ("retrained every, so far", ("interval", "actual")),
    ("staleness and retraining", ("interval", "cost_per_day")),
    ("threshold, cheapest", ("errors", "threshold")),
    ("threshold, in use", ("errors", "present_threshold")),
    ("errors at the cheapest", ("errors", "cost")),
    ("errors at the one in use", ("errors", "present_cost")),
    ("saved by moving it", ("errors", "saving")),
    ("predictions with skew", ("skew", "share")),
    ("skew", ("skew", "cost")),
    ("a silent failure, seen after", ("failures", "detected_after")),
    ("a silent failure", ("failures", "cost")),
    ("the same, unwatched", ("failures", "cost_unwatched")),
    ("saved by watching", ("failures", "saved_per_year")),
    ("monitoring", ("returns", "monitoring_cost")),
    ("return on monitoring", ("returns", "monitoring_return")),
    ("set-up pays for itself after", ("returns", "break_even_weeks")),
    ("return on automation", ("returns", "automation_return")),
    ("a thousand predictions", ("predictions",)),
)


def economics(
    loop: LoopArgument = None,
    false_positive: Annotated[
        float | None, typer.Option("--false-positive", metavar="AMOUNT", min=0, help="Cost of one false yes.")
    ] = None,
    false_negative: Annotated[
        float | None, typer.Option("--false-negative", metavar="AMOUNT", min=0, help="Cost of one false no.")
    ] = None,
    skill_value: Annotated[
        float | None,
        typer.Option("--skill-value", metavar="AMOUNT", min=0, help="Worth of one prediction per unit of skill."),
    ] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CODE", help="Of these, where the loop file declares none.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show what age, errors and retraining cost.

    And how often retraining pays. From the loop's own history and the prices of hs.Economics(...) in its file; options
    stand in for these once.
    What nobody has said is asked for, and never taken for 0.
    """
    with errors_shown(as_json):
        from homeostat.app.shown.economics import economics as account

        operations, found = opened(home, loop)
        others = {"skill_value": skill_value, "false_positive": false_positive, "false_negative": false_negative}
        prices = _prices(found.economics, currency, others)
        show(account(operations, found, prices), as_json, _text)


def _prices(declared: Economics | None, currency: str | None, others: dict[str, float | None]) -> Economics | None:
    from homeostat.control.economics.inputs import Economics

    if declared is not None:
        if currency not in (None, declared.currency):
            mend = "Leave --currency out: amounts of two currencies are never added."
            raise InvalidInput(f"The loop file counts in {declared.currency}, not in {currency}.", mend=mend)
        return declared.beside(**others)
    if currency is not None:
        return Economics(currency=currency).beside(**others)
    if any(value is not None for value in others.values()):
        raise InvalidInput("An amount without a currency is no money.", mend="Add --currency, such as --currency USD.")
    return None


def _text(told: Json) -> None:
    if told["champion"] is None:
        talk.print(f"{told['loop']} has no version yet: there is no history to tell of.")
    elif not told["labelled_days"]:
        talk.print(f"No labels of {told['loop']} are mature yet: decay and errors are unknown until they are.")
    rows, unknown = [], []
    for name, path in _ROWS:
        figure = _at(told, path)
        if figure["value"] is not None:
            rows.append([name, _amount(figure["value"]), figure["unit"], _bounds(figure), figure["basis"]])
        elif not figure["asks"] and not (path == ("interval", "curve") and told["interval"]["used"] == "exact"):
            unknown.append((name, figure["unknown"]))
    if rows:
        data.print(f"[bold]{told['loop']}[/]  {plural(told['labelled_days'], 'labelled day')} of {told['days']}")
        print_table(["", "figure", "unit", "between", "from"], rows, right=["figure"])
    _sentences(told)
    for why in dict.fromkeys(reason for _, reason in unknown):
        names = ", ".join(name for name, reason in unknown if reason == why)
        data.print(f"{names}: unknown: {why}", markup=False)
    _asks(told)


def _sentences(told: Json) -> None:
    data.print()
    decay, interval, errors = told["decay"], told["interval"], told["errors"]
    data.print(f"Decay: {decay['text']}", markup=False)
    used = interval["used"] and interval[interval["used"]]
    if used and used["value"] is not None:
        data.print(f"A day costs least with a retraining every {used['value']:.1f} days.")
    if told["sensitivity"]:
        _sensitivity(told)
    saving = errors["saving"]
    if saving["value"] is not None:
        proven = "is proven" if saving["low"] > 0 else "is not proven: it may be none"
        data.print(f"That another threshold saves money {proven}.")


def _sensitivity(told: Json) -> None:
    """What follows where an input is half or twice what was said: the interval, and what the old one then loses."""
    wrong = f"lost a day, {told['currency']}"
    sides = {(one["input"], one["factor"]): one for one in told["sensitivity"]}
    rows = []
    for name in dict.fromkeys(one["input"] for one in told["sensitivity"]):
        cells = [sides[name, factor] for factor in (0.5, 2.0)]
        rows.append([name.replace("_", " "), *(text for one in cells for text in _side(one))])
    columns = ["were it", "half: days", f"{wrong} ", "twice: days", wrong]
    print_table(columns, rows, right=columns[1:])


def _side(one: Json) -> tuple[str, str]:
    wasted = one["wasted_per_day"]
    return "never" if one["days"] is None else f"{one['days']:.1f}", "-" if wasted is None else _amount(wasted)


def _asks(told: Json) -> None:
    if not told["asks"]:
        return
    where = "" if told["currency"] else "currency='USD', "
    data.print(f"\nNot said in the loop file; add economics=hs.Economics({where}...) with:", markup=False)
    rows = [[f"{one['input']}=", one["what"], ", ".join(one["for"])] for one in told["asks"]]
    print_table(["input", "what it is", "needed for"], rows)


def _at(told: Json, path: tuple[str, ...]) -> Json:
    found: Any = told
    for name in path:
        found = found[name]
    return dict(found)


def _amount(value: float) -> str:
    """A figure as short as it can be told.

    >>> _amount(1234567.8), _amount(12.345), _amount(0.00123456), _amount(0.0)
    ('1,234,568', '12.35', '0.001235', '0')
    """
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.4g}"


def _bounds(figure: Json) -> str:
    low, high = figure["low"], figure["high"]
    if low is None and high is None:
        return ""
    return f"{'?' if low is None else _amount(low)} to {'?' if high is None else _amount(high)}"
