"""Feature sets: everything a model is given, declared once for training and for serving.

``feature_set`` checks a loop's definitions against its question; the result names the features in order and
carries the hashes that identify their meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from homeostat.data.checks import did_you_mean
from homeostat.data.tables import Selection, Table
from homeostat.features.copying import Copy, copier
from homeostat.features.defined import QUESTION, Definition
from homeostat.features.ordering import in_running_order
from homeostat.features.summaries import (
    Aggregate,
    count,
    distinct,
    first,
    last,
    maximum,
    mean,
    minimum,
    quantile,
    share,
    std,
    sum_,
)
from homeostat.features.transforms import Transform, transform
from homeostat.features.views import (
    Feature,
    FeatureKind,
    Latest,
    View,
    Window,
    describe,
    described_with_place,
    feature_kind,
    table_meaning,
    views_of,
)
from homeostat.kernel.canonical import digest
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.places import at_place

__all__ = [
    "Aggregate",
    "Declared",
    "Definition",
    "Feature",
    "FeatureSet",
    "Latest",
    "Transform",
    "View",
    "Window",
    "count",
    "distinct",
    "feature_set",
    "first",
    "last",
    "maximum",
    "mean",
    "minimum",
    "quantile",
    "share",
    "std",
    "sum_",
    "transform",
]

Declared = Selection | Latest | Window | Transform
"""What a loop's ``features`` may list."""


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """A model's inputs: named, ordered, and identified by ``hash``; made by ``feature_set``.

    ``selected`` are the features that are columns of the question; ``inputs`` are columns of it that only
    transforms read; ``views`` have one entity each; ``transforms`` are in the order in which they run.
    """

    question: Table
    features: tuple[Feature, ...]
    selected: tuple[Feature, ...]
    inputs: tuple[Feature, ...]
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
    def asked(self) -> tuple[Feature, ...]:
        """Columns read from the question's own row: the selected ones and those that only transforms take."""
        return (*self.selected, *self.inputs)

    @cached_property
    def direct(self) -> Copy | None:
        """Takes a parsed question row to its features where all of them are columns of it; None where some are not."""
        if self.views or self.transforms or not self.features:
            return None
        return copier(self.features, self.question)

    @cached_property
    def taken(self) -> Mapping[str, FeatureKind]:
        """The kind of everything that a transform may take."""
        return {**self.kinds, **{one.name: one.kind for one in self.inputs}}

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables whose facts the views read, each once."""
        return tuple(dict.fromkeys(view.table.name for view in self.views))

    @cached_property
    def definitions(self) -> Mapping[str, Definition]:
        """The meaning of the question, each view and each transform, by name; stored with every version."""
        columns = [one.name for one in self.asked] + [name for view in self.views for name in view.entity]
        found: dict[str, Definition] = {}
        question = table_meaning(self.question, columns)
        found[QUESTION] = Definition("question", digest(question), question)
        found.update({view.name: Definition("view", view.hash, view.meaning) for view in self.views})
        for one in self.transforms:
            meaning = {"takes": list(one.arguments), **one.meaning}
            found[one.name] = Definition("transform", digest(meaning), meaning)
        return found

    @cached_property
    def hash(self) -> str:
        """Changes with any meaning (names, order, definitions), not with formatting."""
        shape = [(feature.name, feature.kind) for feature in self.features]
        return digest({"features": shape, "definitions": sorted(one.hash for one in self.definitions.values())})


def feature_set(question: Table, features: Sequence[Declared]) -> FeatureSet:
    """Check every definition against the question asked, and put the features in order.

    Transforms may take features, other transforms in any order, and columns of the question.
    Raises: InvalidInput naming the definition that does not fit, its line, and what to do about it.

    >>> from homeostat.data.contracts import instant, number, text
    >>> asked = Table("asked", key="id", event_time="at",
    ...               contract={"id": text(), "at": instant(), "shop": text()})
    >>> sales = Table("sales", key="id", event_time="at",
    ...               contract={"id": text(), "at": instant(), "shop": text(), "price": number()})
    >>> recent = Window(sales, by="shop", over=["1h", "1d"], values={"price": mean("price")})
    >>> feature_set(asked, [asked["shop"], recent]).names
    ('shop', 'shop_price_1h', 'shop_price_1d')
    """
    listed = [one for definition in features for one in _expanded(definition)]
    tables = [each.table for each in listed if isinstance(each, (Selection, Latest, Window))]
    _refuse_two_tables_of_one_name([question, *tables])
    _refuse_two_definitions_of_one_name(listed)
    named = _features(listed, question)
    transforms = [each for each in listed if isinstance(each, Transform)]
    inputs = _inputs(transforms, named, question)
    selections = [each for each in listed if isinstance(each, Selection)]
    made = FeatureSet(
        question,
        features=tuple(named.values()),
        selected=tuple(named[name] for each in selections for name in each.names),
        inputs=inputs,
        views=tuple(each for each in listed if isinstance(each, (Latest, Window))),
        transforms=in_running_order(transforms),
    )
    for one in made.transforms:
        if all(made.taken[name] == "number" for name in one.arguments):
            one.check_rowwise()
    _ = made.hash  # a transform that cannot be identified is refused here, not when first trained
    return made


def _expanded(definition: object) -> Iterable[Declared]:
    if isinstance(definition, (Latest, Window)):
        return views_of(definition)
    if isinstance(definition, (Selection, Transform)):
        return (definition,)
    if isinstance(definition, Table):
        mend = f'Name its columns: {definition.name}["column"].'
        raise InvalidInput(f"Table {definition.name!r} as a whole is no feature.", mend=mend)
    raise InvalidInput(
        f"{definition!r} defines no feature.",
        mend='Give table["column"] of the question, Latest(...), Window(...) or a function under @transform.',
    )


def _features(listed: Sequence[Declared], question: Table) -> dict[str, Feature]:
    named: dict[str, Feature] = {}
    givers: dict[str, Declared] = {}
    for definition in listed:
        for feature in _features_of(definition, question):
            if feature.name in named:
                both = f"by {_told(givers[feature.name])} and by {_told(definition)}"
                mend = "Drop one of the definitions, or give a window's value another name."
                problem = f"Two features are named {feature.name!r}: {both}."
                raise InvalidInput(problem, mend=mend, feature=feature.name)
            named[feature.name], givers[feature.name] = feature, definition
    if not named:
        raise InvalidInput("A loop without features cannot learn.", mend="Give at least one definition.")
    return named


def _features_of(definition: Declared, question: Table) -> Sequence[Feature]:
    if isinstance(definition, Selection):
        return _selected(definition, question)
    if isinstance(definition, Transform):
        return [Feature(definition.name, "number", exact=False)]
    _check_entity(definition, question)
    return definition.features


def _selected(selection: Selection, question: Table) -> list[Feature]:
    if selection.table.name != question.name:
        raise InvalidInput(
            f"Columns of {selection.table.name!r} are selected{at_place(selection.place)},"
            f" but the question is {question.name!r}.",
            mend="Select columns of the question only; reach other tables with Latest or Window.",
            definition=f"{selection.table.name}{list(selection.names)}",
        )
    for name in selection.names:
        if question.contract[name].kind == "instant":
            mend = "Store what you need of it, such as the hour, as a number column."
            where = at_place(selection.place)
            problem = f"Column {name!r} of {question.name!r}{where} is an instant, which no model can take."
            raise InvalidInput(problem, mend=mend, feature=name)
    return [Feature(name, feature_kind(question.contract[name])) for name in selection.names]


def _check_entity(view: View, question: Table) -> None:
    for name in view.entity:
        asked = question.contract.get(name)
        where = f"{described_with_place(view)} looks up {name!r}"
        if asked is None:
            mend = did_you_mean(name, question.contract)
            problem = f"{where}, which the question {question.name!r} lacks."
            raise InvalidInput(problem, mend=mend, definition=describe(view))
        kind = view.table.contract[name].kind
        if asked.kind != kind:
            problem = f"{where}, a {kind} there but a {asked.kind} in the question {question.name!r}."
            raise InvalidInput(problem, mend="Give both columns one kind.", definition=describe(view))


def _inputs(transforms: Sequence[Transform], named: Mapping[str, Feature], question: Table) -> tuple[Feature, ...]:
    """The question's columns that transforms take though no feature has their name."""
    found: dict[str, Feature] = {}
    usable = {name for name, column in question.contract.items() if column.kind != "instant"}
    for one in transforms:
        for name in one.arguments:
            if name in named:
                continue
            if name not in usable:
                problem = f"{one.described} takes {name!r}, which is no feature and no column of the question to read."
                raise InvalidInput(problem, mend=did_you_mean(name, {*named, *usable}), transform=one.name)
            found[name] = Feature(name, feature_kind(question.contract[name]))
    return tuple(found.values())


def _told(definition: Declared) -> str:
    if isinstance(definition, Transform):
        return definition.described
    if isinstance(definition, Selection):
        return f"columns of {definition.table.name!r}{at_place(definition.place)}"
    return described_with_place(definition)


def _refuse_two_definitions_of_one_name(listed: Sequence[Declared]) -> None:
    seen: dict[str, Declared] = {}
    for one in listed:
        if isinstance(one, Selection):
            continue
        if one.name == QUESTION:
            problem = f"{_told(one)} is named {QUESTION!r}, which means the question itself."
            raise InvalidInput(problem, mend="Give it another name.", definition=one.name)
        other = seen.setdefault(one.name, one)
        if other is not one:
            problem = f"Two definitions are named {one.name!r}: {_told(other)} and {_told(one)}."
            mend = "Give one of them name=..." if not isinstance(one, Transform) else "Rename one of them."
            raise InvalidInput(problem, mend=mend, definition=one.name)


def _refuse_two_tables_of_one_name(tables: Iterable[Table]) -> None:
    seen: dict[str, Table] = {}
    for table in tables:
        other = seen.setdefault(table.name, table)
        if table_meaning(other, list(other.contract)) != table_meaning(table, list(table.contract)):
            raise InvalidInput(
                f"Two different tables are named {table.name!r}.",
                mend="Define the table once, and use that object everywhere.",
                table=table.name,
            )
