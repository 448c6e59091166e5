from __future__ import annotations

import numpy as np
import pytest

from homeostat.data.contracts import instant, integer, number, text
from homeostat.data.tables import Selection, Table
from homeostat.features.definitions import Latest, Window, count, feature_set, maximum, mean, transform
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
        (lambda: made(), "without features"),
        (lambda: transform(lambda a: a), "cannot be a transform"),
    ],
)
def test_a_wrong_definition_is_named_with_its_mend(define, message):
    with pytest.raises(InvalidInput, match=message) as raised:
        define()
    assert raised.value.mend


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
