"""Feature sets: everything a model is given, declared once for training and for serving.

``feature_set`` checks a loop's definitions against its question; the result names the features in order and
carries the hash that identifies their meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from homeostat.data.checks import did_you_mean
from homeostat.data.tables import Selection, Table
from homeostat.features.transforms import Transform, transform
from homeostat.features.views import (
    Aggregate,
    Feature,
    FeatureKind,
    Latest,
    View,
    Window,
    count,
    describe,
    feature_kind,
    maximum,
    mean,
    minimum,
    sum_,
    table_meaning,
)
from homeostat.kernel.canonical import digest
from homeostat.kernel.errors import InvalidInput

__all__ = [
    "Aggregate",
    "Definition",
    "Feature",
    "FeatureSet",
    "Latest",
    "Transform",
    "View",
    "Window",
    "count",
    "feature_set",
    "maximum",
    "mean",
    "minimum",
    "sum_",
    "transform",
]

Definition = Selection | Latest | Window | Transform


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """A model's inputs: named, ordered, and identified by ``hash``; made by ``feature_set``."""

    question: Table
    features: tuple[Feature, ...]
    selected: tuple[Feature, ...]
    views: tuple[View, ...]
    transforms: tuple[Transform, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The model's inputs, in order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def kinds(self) -> Mapping[str, FeatureKind]:
        """Whether each feature is a text or a number."""
        return {feature.name: feature.kind for feature in self.features}

    @cached_property
    def exact(self) -> frozenset[str]:
        """Features that online and offline compute to the bit; the others agree to 1e-9 relative."""
        return frozenset(feature.name for feature in self.features if feature.exact)

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables whose facts the views read, each once."""
        return tuple(dict.fromkeys(view.table.name for view in self.views))

    @cached_property
    def hash(self) -> str:
        """Changes with any meaning (names, order, contracts, transform code), not with formatting."""
        views = [view.hash for view in self.views]
        code = [{"name": one.name, "meaning": one.meaning} for one in self.transforms]
        shape = [(feature.name, feature.kind) for feature in self.features]
        question = table_meaning(self.question)
        return digest({"question": question, "features": shape, "views": views, "transforms": code})


def feature_set(question: Table, features: Sequence[Definition]) -> FeatureSet:
    """Check every definition against the question asked, and put the features in order.

    Raises: InvalidInput naming the definition that does not fit and what to do about it.

    >>> from homeostat.data.contracts import instant, number, text
    >>> asked = Table("asked", key="id", event_time="at",
    ...               contract={"id": text(), "at": instant(), "shop": text()})
    >>> sales = Table("sales", key="id", event_time="at",
    ...               contract={"id": text(), "at": instant(), "shop": text(), "price": number()})
    >>> recent = Window(sales, by="shop", over=["1h", "1d"], values={"price": mean("price")})
    >>> feature_set(asked, [asked["shop"], recent]).names
    ('shop', 'shop_price_1h', 'shop_price_1d')
    """
    named: dict[str, Feature] = {}
    tables = [each.table for each in features if isinstance(each, (Selection, Latest, Window))]
    _refuse_two_tables_of_one_name([question, *tables])
    for definition in features:
        for feature in _features_of(definition, question, named):
            if feature.name in named:
                mend = "Drop one of the definitions, or give a window's value another name."
                problem = f"Two features are named {feature.name!r}."
                raise InvalidInput(problem, mend=mend, feature=feature.name)
            named[feature.name] = feature
    if not named:
        raise InvalidInput("A loop without features cannot learn.", mend="Give at least one definition.")
    selections = [each for each in features if isinstance(each, Selection)]
    made = FeatureSet(
        question,
        features=tuple(named.values()),
        selected=tuple(named[name] for each in selections for name in each.names),
        views=tuple(each for each in features if isinstance(each, (Latest, Window))),
        transforms=tuple(each for each in features if isinstance(each, Transform)),
    )
    _ = made.hash  # a transform that cannot be identified is refused here, not when first trained
    return made


def _features_of(definition: Definition, question: Table, named: Mapping[str, Feature]) -> Iterable[Feature]:
    if isinstance(definition, Selection):
        return _selected(definition, question)
    if isinstance(definition, (Latest, Window)):
        _check_entity(definition, question)
        return definition.features
    if isinstance(definition, Transform):
        return [_transformed(definition, named)]
    raise InvalidInput(
        f"{definition!r} defines no feature.",
        mend='Give table["column"] of the question, Latest(...), Window(...) or a function under @transform.',
    )


def _selected(selection: Selection, question: Table) -> list[Feature]:
    if selection.table.name != question.name:
        raise InvalidInput(
            f"Columns of {selection.table.name!r} are selected, but the question is {question.name!r}.",
            mend="Select columns of the question only; reach other tables with Latest or Window.",
            definition=f"{selection.table.name}{list(selection.names)}",
        )
    for name in selection.names:
        if question.contract[name].kind == "instant":
            mend = "Store what you need of it, such as the hour, as a number column."
            problem = f"Column {name!r} of {question.name!r} is an instant, which no model can take."
            raise InvalidInput(problem, mend=mend, feature=name)
    return [Feature(name, feature_kind(question.contract[name])) for name in selection.names]


def _check_entity(view: View, question: Table) -> None:
    for name in view.entity:
        asked = question.contract.get(name)
        where = f"{describe(view)} looks up {name!r}"
        if asked is None:
            mend = did_you_mean(name, question.contract)
            problem = f"{where}, which the question {question.name!r} lacks."
            raise InvalidInput(problem, mend=mend, definition=describe(view))
        kind = view.table.contract[name].kind
        if asked.kind != kind:
            problem = f"{where}, a {kind} there but a {asked.kind} in the question {question.name!r}."
            raise InvalidInput(problem, mend="Give both columns one kind.", definition=describe(view))


def _transformed(definition: Transform, named: Mapping[str, Feature]) -> Feature:
    for name in definition.arguments:
        if name not in named:
            raise InvalidInput(
                f"Transform {definition.name!r} takes {name!r}, which no definition before it gives.",
                mend=did_you_mean(name, named),
                transform=definition.name,
            )
    if all(named[name].kind == "number" for name in definition.arguments):
        definition.check_rowwise()
    return Feature(definition.name, "number", exact=False)


def _refuse_two_tables_of_one_name(tables: Iterable[Table]) -> None:
    seen: dict[str, Table] = {}
    for table in tables:
        first = seen.setdefault(table.name, table)
        if table_meaning(first) != table_meaning(table):
            raise InvalidInput(
                f"Two different tables are named {table.name!r}.",
                mend="Define the table once, and use that object everywhere.",
                table=table.name,
            )
