"""Will this flight arrive more than 15 minutes late? Asked two hours before its scheduled departure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import homeostat as hs

departures = hs.Table(
    "departures",
    key="flight_id",
    event_time="asked_at",
    contract={
        "flight_id": hs.text(),
        "asked_at": hs.instant(),
        "scheduled_departure": hs.instant(),
        "scheduled_arrival": hs.instant(),
        "scheduled_minutes": hs.integer(20, 1_000),
        "carrier": hs.text(),
        "flight": hs.integer(1, 9_999),
        "tailnum": hs.text(nullable=True),
        "origin": hs.text(categories=["EWR", "JFK", "LGA"]),
        "dest": hs.text(),
        "distance": hs.number(10, 6_000),
        "month": hs.integer(1, 12),
        "weekday": hs.integer(1, 7),
        "hour": hs.integer(0, 23),
        "minute": hs.integer(0, 59),
    },
    freshness="9h",
)

arrivals = hs.Table(
    "arrivals",
    key="flight_id",
    event_time="arrived_at",
    contract={
        "flight_id": hs.text(),
        "arrived_at": hs.instant(),
        "arr_delay": hs.number(-120, 2_000),
        "origin": hs.text(),
        "carrier": hs.text(),
        "dest": hs.text(),
        "tailnum": hs.text(nullable=True),
    },
    freshness="9h",
)

weather = hs.Table(
    "weather",
    key=("origin", "observed_at"),
    event_time="observed_at",
    contract={
        "origin": hs.text(categories=["EWR", "JFK", "LGA"]),
        "observed_at": hs.instant(),
        "temp": hs.number(-40, 130, nullable=True),
        "dewp": hs.number(-60, 100, nullable=True),
        "humid": hs.number(0, 100, nullable=True),
        "wind_dir": hs.number(0, 360, nullable=True),
        "wind_speed": hs.number(0, 1_100, nullable=True),
        "wind_gust": hs.number(0, 1_300, nullable=True),
        "precip": hs.number(0, 10, nullable=True),
        "pressure": hs.number(900, 1_100, nullable=True),
        "visib": hs.number(0, 20, nullable=True),
    },
    freshness="4h",
)

planes = hs.Table(
    "planes",
    key="tailnum",
    event_time="listed_at",
    contract={
        "tailnum": hs.text(),
        "listed_at": hs.instant(),
        "year": hs.integer(1900, 2100, nullable=True),
        "type": hs.text(nullable=True),
        "manufacturer": hs.text(nullable=True),
        "model": hs.text(nullable=True),
        "engines": hs.integer(0, 8, nullable=True),
        "seats": hs.integer(0, 1_000, nullable=True),
        "engine": hs.text(nullable=True),
    },
)

form = {"delay": hs.mean("arr_delay"), "landed": hs.count()}

CATEGORIES = ["carrier", "dest", "origin"]


def train(rows: Any, config: Mapping[str, Any]) -> Any:
    """Boosted trees on ordinal codes of the three categories; missing readings stay missing."""
    from lightgbm import LGBMClassifier
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = Pipeline(
        [
            ("columns", ColumnTransformer([("codes", codes, CATEGORIES)], remainder="passthrough")),
            (
                "trees",
                LGBMClassifier(
                    n_estimators=config["trees"],
                    learning_rate=config["learning_rate"],
                    random_state=config["seed"],
                    n_jobs=1,
                    deterministic=True,
                    force_row_wise=True,
                    verbosity=-1,
                ),
            ),
        ]
    )
    return model.fit(rows.features, rows.label)


# Made up for the example, every one of them, so that `homeostat economics` has something to reckon with: nobody has
# measured what a late flight costs here. They decide nothing.
prices = hs.Economics(
    currency="USD",
    skill_value=0.40,
    false_positive=2.0,
    false_negative=6.0,
    skewed_prediction=0.05,
    training_hour=0.20,
    person_hour=80.0,
    validation_hours=1.0,
    deployment_hours=0.5,
    bad_release=250.0,
    replica_hour=0.05,
    monitoring_month=20.0,
    failures_per_year=4,
    failure_drop=0.10,
    noticed_after="28d",
)

loop = hs.Loop(
    name="late-arrival",
    question=departures,
    features=[
        departures["carrier", "dest", "origin", "distance", "hour", "minute", "weekday", "scheduled_minutes"],
        hs.Latest(
            weather,
            by="origin",
            max_age="3h",
            columns=["temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"],
        ),
        hs.Window(arrivals, by="origin", over=["3h", "24h"], values=form),
        hs.Window(arrivals, by="carrier", over=["3h", "24h"], values=form),
        hs.Window(arrivals, by="dest", over=["3h", "24h"], values=form),
        hs.Latest(arrivals, by="tailnum", max_age="72h", columns=["arr_delay"]),
        hs.Latest(planes, by="tailnum", columns=["year", "seats"]),
    ],
    label=hs.Label(arrivals, "arr_delay > 15", matures="24h after scheduled_arrival"),
    train=train,
    config={"learning_rate": 0.05, "trees": 200, "seed": 7},
    retrain=hs.Retrain(
        when=hs.Emergency(below=-0.15)
        | hs.Sustained(hs.Realised(tolerance=0.0, trail=10), 3)
        | hs.Schedule(at_latest="60d"),
        cool_down="21d",
        holdout="10d",
    ),
    gate=hs.Gate(margin=0.02, confidence=0.9),
    rollout=hs.Canary(margin=0.03),
    timezone="America/New_York",
    owner="flight operations",
    economics=prices,
    slices=["origin", "carrier", ("origin", "carrier")],
)
