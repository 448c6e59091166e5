"""What skew, silent failures, predictions and monitoring cost, and what preventing them returns."""

from __future__ import annotations

import math
from dataclasses import dataclass

from homeostat.kernel.errors import InvalidInput

DAYS_PER_YEAR = 365
_MILLION, _GIGABYTE = 1_000_000, 1_000_000_000


def skew_cost_per_year(*, error_rate: float, queries_per_day: float, cost_per_error: float) -> float:
    """What predictions made from wrong features cost a year; ``error_rate`` is their share, from 0 to 1.

    >>> skew_cost_per_year(error_rate=0.01, queries_per_day=1_000_000, cost_per_error=0.10)
    365000.0
    """
    _not_negative(queries_per_day=queries_per_day, cost_per_error=cost_per_error)
    _share(error_rate=error_rate)
    return error_rate * queries_per_day * cost_per_error * DAYS_PER_YEAR


def silent_failure_cost(*, value_per_year: float, drop: float, days: float) -> float:
    """What a failure costs until it is noticed ``days`` later; ``drop`` is the share of a year's value it takes away.

    >>> round(silent_failure_cost(value_per_year=50_000_000, drop=0.05, days=28), 2)
    191780.82
    """
    _not_negative(value_per_year=value_per_year, days=days)
    _share(drop=drop)
    return value_per_year / DAYS_PER_YEAR * drop * days


def cost_per_thousand(*, hourly_cost: float, per_hour: float) -> float:
    """What a thousand predictions cost where ``per_hour`` of them, above 0, are made for ``hourly_cost``.

    >>> cost_per_thousand(hourly_cost=3.0, per_hour=50_000)
    0.06
    """
    _not_negative(hourly_cost=hourly_cost)
    _above_zero(per_hour=per_hour)
    return hourly_cost * 1_000 / per_hour


def monitoring_return(*, prevented_per_year: float, cost_per_incident: float, cost_per_year: float) -> float:
    """What each unit of money spent on monitoring prevents in losses.

    >>> monitoring_return(prevented_per_year=5, cost_per_incident=50_000, cost_per_year=50_000)
    5.0
    """
    _not_negative(prevented_per_year=prevented_per_year, cost_per_incident=cost_per_incident)
    _above_zero(cost_per_year=cost_per_year)
    return prevented_per_year * cost_per_incident / cost_per_year


def automation_return(
    *,
    prevented_per_year: float,
    cost_per_incident: float,
    hours_saved_per_month: float,
    hourly_cost: float,
    cost_per_year: float,
) -> float:
    """What each unit of money spent on running the loop by itself returns: losses prevented and hours saved.

    >>> round(automation_return(prevented_per_year=4, cost_per_incident=25_000, hours_saved_per_month=20,
    ...                         hourly_cost=150, cost_per_year=30_000), 4)
    4.5333
    """
    _not_negative(prevented_per_year=prevented_per_year, cost_per_incident=cost_per_incident)
    _not_negative(hours_saved_per_month=hours_saved_per_month, hourly_cost=hourly_cost)
    _above_zero(cost_per_year=cost_per_year)
    return (prevented_per_year * cost_per_incident + hours_saved_per_month * 12 * hourly_cost) / cost_per_year


def break_even_weeks(*, manual_hours_per_week: float, build_hours: float) -> float:
    """Weeks until the hours that it took to automate are saved again.

    >>> break_even_weeks(manual_hours_per_week=4, build_hours=80)
    20.0
    """
    _not_negative(build_hours=build_hours)
    _above_zero(manual_hours_per_week=manual_hours_per_week)
    return build_hours / manual_hours_per_week


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringBudget:
    """What a month of metrics costs where they are bought by the sample: taking them in, keeping them, looking at them.

    ``series`` are sampled every ``sample_seconds``; ``ingest_per_million`` samples and ``storage_per_gb`` (10**9
    bytes, of ``bytes_per_point`` each) are prices. ``people`` look at ``dashboards`` that refresh so often an hour, so
    many hours on so many days; each refresh is a query.
    Raises: InvalidInput for anything below 0 or not finite, or a ``sample_seconds`` of 0.

    >>> budget = MonitoringBudget(series=150, sample_seconds=15, ingest_per_million=0.30, bytes_per_point=8,
    ...     storage_per_gb=1.0, dashboards=2, people=3, refreshes_per_hour=12, hours_per_day=8, working_days=22,
    ...     cost_per_query=0.02)
    >>> budget.points, round(budget.month, 5)
    (25920000.0, 261.42336)
    """

    series: float
    sample_seconds: float
    ingest_per_million: float
    bytes_per_point: float
    storage_per_gb: float
    dashboards: float = 0
    people: float = 0
    refreshes_per_hour: float = 0
    hours_per_day: float = 0
    working_days: float = 22
    cost_per_query: float = 0
    days: float = 30

    def __post_init__(self) -> None:
        _above_zero(sample_seconds=self.sample_seconds)
        _not_negative(**{name: getattr(self, name) for name in self.__slots__})

    @property
    def points(self) -> float:
        """Samples of a month."""
        return self.series * self.days * 86_400 / self.sample_seconds

    @property
    def ingest(self) -> float:
        """What taking them in costs."""
        return self.points / _MILLION * self.ingest_per_million

    @property
    def storage(self) -> float:
        """What keeping them costs."""
        return self.points * self.bytes_per_point / _GIGABYTE * self.storage_per_gb

    @property
    def queries(self) -> float:
        """Queries of a month."""
        looks = self.dashboards * self.people * self.refreshes_per_hour
        return looks * self.hours_per_day * self.working_days

    @property
    def month(self) -> float:
        """All of it."""
        return self.ingest + self.storage + self.queries * self.cost_per_query

    @property
    def bytes_per_second(self) -> float:
        """What the samples weigh on their way in.

        >>> MonitoringBudget(series=1e6, sample_seconds=1, bytes_per_point=1_000, ingest_per_million=0,
        ...                  storage_per_gb=0).bytes_per_second
        1000000000.0
        """
        return self.series * self.bytes_per_point / self.sample_seconds


def _above_zero(**values: float) -> None:
    _not_negative(**values)
    for name, value in values.items():
        if value == 0:
            raise InvalidInput(f"{name} is 0.", mend=f"Give {name} as a number above 0.")


def _share(**values: float) -> None:
    _not_negative(**values)
    for name, value in values.items():
        if value > 1:
            raise InvalidInput(f"{name} is {value}, more than all.", mend=f"Give {name} as a share from 0 to 1.")


def _not_negative(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0):
            raise InvalidInput(f"{name} is {value}.", mend=f"Give {name} as a number of at least 0.")
