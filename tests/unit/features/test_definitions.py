from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from homeostat.data.contracts import instant, integer, number, text
from homeostat.data.tables import Selection, Table
from homeostat.features.definitions import (
    QUESTION,
    Latest,
    Window,
    count,
    distinct,
    feature_set,
    first,
    last,
    maximum,
    mean,
    quantile,
    share,
    transform,
)
from homeostat.features.views import table_meaning
from homeostat.kernel.canonical import canonical_json
from homeostat.kernel.errors import InvalidInput

arrivals = Table(
    "arrivals",
    key="flight",
    event_time="landed_at",
    contract={
        "flight": text(),
        "landed_at": instant(),
        "carrier": text(),
        "gate": integer(),
        "delay": number(nullable=True),
    },
)
departures = Table(
    "departures",
    key="flight",
    event_time="asked_at",
    contract={
        "flight": text(),
        "asked_at": instant(),
        "carrier": text(),
        "gate": text(),
        "distance": number(),
    },
)
form = Window(arrivals, by="carrier", over=["3h", "24h"], values={"delay": mean("delay"), "landed": count()})
LIMIT = 8


def helper(column):
    return column / LIMIT


@transform
def crowding(carrier_landed_3h, carrier_landed_24h):
    """How busy it is."""
    return carrier_landed_3h / helper(carrier_landed_24h)


def made(*definitions):
    return feature_set(departures, list(definitions))


def test_names_follow_the_order_of_definition():
    features = made(departures["carrier", "distance"], form, Latest(arrivals, "carrier", ["delay"]), crowding)
    assert features.names == (
        "carrier",
        "distance",
        "carrier_delay_3h",
        "carrier_delay_24h",
        "carrier_landed_3h",
        "carrier_landed_24h",
        "carrier_delay",
        "crowding",
    )
    assert features.kinds["carrier"] == "text"
    assert features.kinds["crowding"] == "number"
    assert features.tables == ("arrivals",)
    assert "carrier_delay_3h" not in features.exact
    assert "carrier_landed_3h" in features.exact


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (
            lambda: Window(arrivals, "carier", ["3h"], {"n": count()}),
            r"Window\(arrivals, by='carier'\).*carier",
        ),
        (lambda: Window(arrivals, "delay", ["3h"], {"n": count()}), "cannot identify an entity"),
        (lambda: Window(arrivals, "carrier", [], {"n": count()}), "'over' is empty"),
        (lambda: Window(arrivals, "carrier", ["3h", "180m"], {"n": count()}), "equally long"),
        (lambda: Window(arrivals, "carrier", ["3 hours"], {"n": count()}), "not a duration"),
        (lambda: Window(arrivals, "carrier", ["3h"], {"n": maximum("flight")}), "needs numbers, not text"),
        (lambda: Window(arrivals, "carrier", ["3h"], {"n": "mean"}), "is no aggregate"),
        (lambda: Window(arrivals, "carrier", ["3h"], {"N!": count()}), "cannot name a value"),
        (lambda: Latest(arrivals, "carrier", ["landed_at"]), "no model can take"),
        (lambda: Latest(arrivals, "carrier", ["delay", "delay"]), "'delay' twice"),
        (lambda: made(form, form), "Two features are named 'carrier_delay_3h'"),
        (lambda: made(Latest(arrivals, "gate", ["delay"])), "a integer there but a text"),
        (lambda: made(Latest(arrivals, "landed_at", ["delay"])), "which the question 'departures' lacks"),
        (lambda: made(arrivals["delay"]), "but the question is 'departures'"),
        (lambda: made(departures["asked_at"]), "an instant, which no model can take"),
        (lambda: made(crowding), "takes 'carrier_landed_3h', which is no feature and no column"),
        (lambda: made("carrier"), "defines no feature"),
        (lambda: Window(arrivals, "carrier", ["0h"], {"n": count()}), "'over' has '0h', which is not a duration"),
        (lambda: Latest(arrivals, "carrier", ["delay"], max_age="0h"), "'max_age' has '0h'"),
        (lambda: Latest(arrivals, "carrier", ["delay"], freshness="soon"), "'freshness' has 'soon'"),
        (lambda: Window(arrivals, "carrier", ["3h"], {"n": last("landed_at")}), "needs texts or numbers, not instant"),
        (lambda: Window(arrivals, "carrier", ["3h"], {"n": share("dela > 1")}), "names 'dela', which table 'arrivals'"),
        (lambda: quantile("delay", 1.5), "no quantile 1.5 of 'delay'"),
        (lambda: Latest(arrivals, [["carrier", "gate"]], ["delay"]), "which names no entity"),
        (lambda: Latest(arrivals, ["carrier", ("carrier",)], ["delay"]), "names .* twice"),
        (lambda: Latest(arrivals, [], ["delay"]), "'by' is empty"),
        (lambda: Latest(arrivals, ("carrier", 3), ["delay"]), "which names no entity"),
        (lambda: Latest(arrivals, "carrier", ["delay"], name="A b"), "cannot name a view"),
        (lambda: Latest(arrivals, "carrier", ["delay"], default={"dely": 0}), "which it does not have. Did you mean"),
        (lambda: Latest(arrivals, "carrier", ["delay"], default={"delay": "none"}), "'none' of 'delay' is no number"),
        (
            lambda: Latest(arrivals, "carrier", ["delay"], default={"delay": float("nan")}),
            "nan of 'delay' is no number",
        ),
        (lambda: made(form, Window(arrivals, "carrier", ["5h"], form.values)), "Two definitions are named"),
        (lambda: made(form, crowding, crowding), "Two features are named 'crowding'"),
        (lambda: made(Latest(arrivals, "carrier", ["delay"], name="question")), "means the question itself"),
        (lambda: made(), "without features"),
        (lambda: made(departures), "'departures' as a whole is no feature"),
        (lambda: Latest("arrivals", "carrier", ["delay"]), r"Latest \(test_.*'arrivals' is no table"),
        (lambda: Window(arrivals, "carrier", ["1h"], [mean("delay")]), r"Window \(test_.*the values have no names"),
        (lambda: replace(arrivals, freshness="2 hours"), r"freshness of table 'arrivals'.*'2 hours' is not a duration"),
        (lambda: replace(arrivals, ahead=5), r"ahead of table 'arrivals'.*5 is not a duration"),
        (lambda: transform(lambda a: a), "cannot be a transform"),
    ],
)
def test_a_wrong_definition_is_named_with_its_mend(define, message):
    with pytest.raises(InvalidInput, match=message) as raised:
        define()
    assert raised.value.mend


@pytest.mark.parametrize(
    "define",
    [
        lambda: Window(arrivals, "carrier", ["0h"], {"n": count()}),
        lambda: Window(arrivals, "carrier", ["99999999999999d"], {"n": count()}),
        lambda: Latest(arrivals, "carier", ["delay"]),
        lambda: arrivals["dely"],
        lambda: made(Latest(arrivals, "gate", ["delay"])),
        lambda: made(departures["asked_at"]),
        lambda: made(form, Window(arrivals, "carrier", ["5h"], form.values)),
    ],
)
def test_an_error_names_the_line_of_the_definition(define):
    with pytest.raises(InvalidInput, match=rf"\(test_definitions\.py:{define.__code__.co_firstlineno}\)"):
        define()


def test_a_list_of_entities_makes_a_view_of_each():
    several = made(Window(arrivals, by=["carrier", ("carrier", "flight")], over=["3h"], values={"n": count()}))
    assert several.names == ("carrier_n_3h", "carrier_flight_n_3h")
    assert [view.name for view in several.views] == [
        "arrivals_window_by_carrier",
        "arrivals_window_by_carrier_flight",
    ]
    alone = made(Window(arrivals, by="carrier", over=["3h"], values={"n": count()}))
    assert several.views[0].hash == alone.views[0].hash
    named = made(Latest(arrivals, by=["carrier", "flight"], columns=["delay"], name="latest"))
    assert [view.name for view in named.views] == ["latest_by_carrier", "latest_by_flight"]


def test_kinds_and_exactness_follow_the_aggregate():
    values = {"a": first("carrier"), "b": last("delay"), "c": distinct("landed_at"), "d": quantile("delay", 0.5)}
    features = made(Window(arrivals, "carrier", ["3h"], {**values, "e": share("delay > 15")}))
    assert list(features.kinds.values()) == ["text", "number", "number", "number", "number"]
    assert features.exact == set(features.names) - {"carrier_d_3h"}


@transform
def first_step(second_step):
    return second_step + 1


@transform
def second_step(distance):
    return distance * 2


@transform
def third_step(first_step, fourth_step):
    return first_step + fourth_step


@transform
def fourth_step(third_step):
    return third_step


def test_transforms_run_in_their_own_order_and_may_take_columns_of_the_question():
    features = made(first_step, second_step, form)
    assert features.names[:2] == ("first_step", "second_step")
    assert [one.name for one in features.transforms] == ["second_step", "first_step"]
    assert [one.name for one in features.inputs] == ["distance"]


def test_a_cycle_of_transforms_is_refused_with_its_members():
    names = r"Transform 'third_step' \(.*\) takes Transform 'fourth_step' \(.*\) takes Transform 'third_step'"
    with pytest.raises(InvalidInput, match=names) as raised:
        made(first_step, second_step, third_step, fourth_step)
    assert sorted(raised.value.facts["transforms"]) == ["fourth_step", "third_step"]


def test_every_definition_has_a_hash_of_its_own_meaning():
    features = made(departures["carrier"], form, crowding)
    assert set(features.definitions) == {QUESTION, "arrivals_window_by_carrier", "crowding"}
    assert json.loads(canonical_json(features.definitions["arrivals_window_by_carrier"].meaning)) == {
        "view": "window",
        "by": ["carrier"],
        "features": ["carrier_delay_3h", "carrier_delay_24h", "carrier_landed_3h", "carrier_landed_24h"],
        "over": [10_800_000_000, 86_400_000_000],
        "values": {
            "delay": {"kind": "mean", "column": "delay", "condition": None, "q": None},
            "landed": {"kind": "count", "column": None, "condition": None, "q": None},
        },
        "table": table_meaning(arrivals, ["carrier", "delay"]),
    }


def test_what_a_view_does_not_read_is_not_its_meaning():
    contract = {**arrivals.contract, "gate": integer(1, 9), "runway": text(nullable=True)}
    other = Table("arrivals", "flight", "landed_at", contract, freshness="3h")
    again = Window(other, "carrier", ["3h", "24h"], form.values, name="form", freshness="1h")
    assert again.hash == form.hash
    defaulted = Window(other, "carrier", ["3h", "24h"], form.values, default={"delay": 0})
    hurried = Window(other, "carrier", ["3h", "24h"], form.values, default={"delay": 0}, freshness="1h")
    assert len({form.hash, defaulted.hash, hurried.hash}) == 3


def test_two_tables_of_one_name_are_refused():
    other = Table("arrivals", key="carrier", event_time="landed_at", contract=arrivals.contract)
    with pytest.raises(InvalidInput, match="Two different tables are named 'arrivals'"):
        made(form, Latest(other, "carrier", ["delay"]))


def test_the_hash_is_the_same_for_the_same_meaning():
    again = Window(arrivals, by=("carrier",), over=("3h", "24h"), values=dict(form.values))
    assert made(form).hash == made(again).hash
    assert made(departures["carrier"]).hash == made(Selection(departures, ("carrier",))).hash


def test_the_hash_changes_with_any_meaning():
    stricter = Table("arrivals", "flight", "landed_at", {**arrivals.contract, "delay": number(-60, 600)})
    sets = [
        made(form),
        made(Window(arrivals, "carrier", ["24h", "3h"], form.values)),
        made(Window(arrivals, "carrier", ["3h", "24h"], {**form.values, "delay": maximum("delay")})),
        made(Window(stricter, "carrier", ["3h", "24h"], form.values)),
        made(Latest(arrivals, "carrier", ["delay"])),
        made(Latest(arrivals, "carrier", ["delay"], max_age="3h")),
        made(form, departures["distance"]),
        made(departures["distance"], form),
    ]
    assert len({one.hash for one in sets}) == len(sets)


def source(tmp_path, name, body):
    path = tmp_path / f"{name}.py"
    path.write_text(body)
    scope = {"__name__": name}
    exec(compile(body, path, "exec"), scope)
    return scope["busy"]


ODD = "LIMIT = object()"
BODY = """LIMIT = 8
def helper(x):
    return x / LIMIT
def busy(carrier_landed_3h):
    return helper(carrier_landed_3h)
"""


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        (BODY.replace("def busy", "\n\n# a comment\ndef busy").replace("    return", "        return"), True),
        (
            BODY.replace("(carrier_landed_3h):\n", "(carrier_landed_3h: object) -> object:\n    'Says.'\n"),
            True,
        ),
        (BODY.replace("LIMIT = 8", "LIMIT = 9"), False),
        (BODY.replace("x / LIMIT", "x * LIMIT"), False),
        (BODY.replace("return helper(", "return -helper("), False),
    ],
)
def test_a_transforms_code_counts_and_its_formatting_does_not(tmp_path, changed, same):
    before = made(form, transform(source(tmp_path, "before", BODY))).hash
    after = made(form, transform(source(tmp_path, "after", changed))).hash
    assert (before == after) is same


def test_a_transform_that_hangs_on_something_unknowable_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="the value of 'LIMIT' cannot be identified"):
        made(
            form,
            transform(
                source(tmp_path, "odd", BODY.replace("LIMIT = 8", ODD).replace("x / LIMIT", "x if LIMIT else -x"))
            ),
        )


def test_a_transform_that_looks_across_rows_is_refused():
    @transform
    def centred(carrier_landed_3h):
        return carrier_landed_3h - np.nanmean(carrier_landed_3h)

    with pytest.raises(InvalidInput, match="another value among other rows"):
        made(form, centred)


def test_a_transform_of_the_wrong_shape_is_refused():
    @transform
    def total(carrier_landed_3h):
        return carrier_landed_3h.sum()

    with pytest.raises(InvalidInput, match=r"'total' \(test_definitions.py:\d+\) returned float64 of shape"):
        made(form, total)


def test_a_transform_cannot_change_what_it_is_given():
    @transform
    def greedy(carrier_landed_3h):
        carrier_landed_3h[:] = 0
        return carrier_landed_3h

    with pytest.raises(InvalidInput, match=r"'greedy' \(.*\) raised ValueError"):
        made(form, greedy)


def test_infinite_results_are_missing():
    result = crowding.run({"carrier_landed_3h": np.array([1.0, 0.0]), "carrier_landed_24h": np.array([0.0, 8.0])})
    assert np.isnan(result[0])
    assert result[1] == 0.0
