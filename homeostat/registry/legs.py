"""The four legs of a version as they are recorded in its folder: what each is made of, so that two can be compared.

A leg's hash identifies what the model is made of; what only explains it (a commit, a lock) is beside that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from homeostat.kernel.canonical import digest, plain
from homeostat.kernel.clock import Instant
from homeostat.registry.variables import Variables, variables_told

CODE, SOURCES, DATA, LOOP, ENVIRONMENT = "code.json", "code.tar", "data.json", "loop.json", "environment.json"
"""The files of the legs in a version's folder; ``code.tar`` holds the contents that ``code.json`` names by hash."""
Why = Literal["loop", "module", "declared"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that took part: ``path`` in a checkout, and why. ``kept``: its content is in ``code.tar``."""

    path: str
    sha256: str
    bytes: int
    why: Why
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Tree:
    """The user's working tree under git: the commit, and whether what is there differs from it.

    ``dirty``: tracked files differ, or files that took part are not tracked. ``diff`` is the SHA-256 of the
    difference, whose text is in ``code.tar`` where ``kept``. ``untracked`` are some of what git does not know.
    """

    commit: str | None
    dirty: bool
    diff: str | None = None
    kept: bool = False
    untracked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeLeg:
    """The loop's file, every module of the user's that training loaded, and the files that the loop declares.

    ``loop_file``, ``folder`` (where training ran) and ``roots`` (from where modules are imported) are paths in a
    checkout. ``train`` is the hash of the training function's source, ``function`` its name. ``tree`` is None
    outside of git.
    """

    loop_file: str
    folder: str
    roots: tuple[str, ...]
    function: str
    train: str
    files: tuple[SourceFile, ...]
    tree: Tree | None = None

    @property
    def hash(self) -> str:
        """Of the files and the function: a commit that touches neither is the same code."""
        return digest({"files": {one.path: one.sha256 for one in self.files}, "train": self.train})

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Read what a version's folder says; raises KeyError or TypeError where a part is missing."""
        tree = told["tree"]
        files = tuple(SourceFile(**one) for one in told["files"])
        read = None if tree is None else Tree(**{**tree, "untracked": tuple(tree["untracked"])})
        return cls(**{**told, "roots": tuple(told["roots"]), "files": files, "tree": read})


@dataclass(frozen=True, slots=True)
class RowsDigest:
    """What identifies training rows: as a whole, by column, and by day (UTC) with how many there were."""

    rows: int
    hash: str
    columns: Mapping[str, str]
    days: Mapping[str, tuple[int, str]]

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Read its JSON values; raises KeyError or TypeError where a part is missing."""
        days = {day: (int(count), str(word)) for day, (count, word) in told["days"].items()}
        return cls(**{**told, "days": days})


@dataclass(frozen=True, slots=True)
class DataLeg:
    """What was read: tables at their versions up to ``sequence``, and what came of it.

    Rows of ``since`` to ``cutoff`` were trained on; those from ``held_out_from`` on, matured by ``as_of``, were held
    out. ``definitions`` are hashes by name; ``label`` says where the truth is from. ``feedback`` says which rows were
    left out because a prediction shaped their label, and by which version of the log; None where none were.
    """

    table_versions: Mapping[str, int]
    sequence: int
    since: Instant | None
    cutoff: Instant
    as_of: Instant
    held_out_from: Instant
    definitions: Mapping[str, str]
    label: Mapping[str, str]
    trained_on: RowsDigest
    feedback: Mapping[str, Any] | None = None

    @property
    def hash(self) -> str:
        """Of all of it."""
        return digest(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Read what a version's folder says; raises KeyError or TypeError where a part is missing."""
        return cls(**{**told, "trained_on": RowsDigest.from_json(told["trained_on"])})


@dataclass(frozen=True, slots=True)
class ConfigLeg:
    """The loop in canonical form, the parameters of its training function, and what seeds chance.

    ``variant`` says of which version, with which fingerprint, and how it was made; None where it was trained.
    """

    parameters: Mapping[str, Any]
    seeds: Mapping[str, Any]
    loop: Mapping[str, Any]
    variant: Mapping[str, Any] | None = None

    @property
    def hash(self) -> str:
        """Of all of it."""
        return digest(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Read what a version's folder says; raises KeyError or TypeError where a part is missing."""
        return cls(**told)


@dataclass(frozen=True, slots=True)
class Package:
    """An installed distribution; ``record`` hashes what its RECORD says of its files, None where it has none."""

    version: str
    record: str | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentLeg:
    """Where it was made: Python, packages, platform, what of the processor changes floats, and threads.

    ``lock`` are the lines from which ``pip`` and ``uv`` install the packages again; it follows from them.
    ``variables`` are those that the user's code read; None where nobody noted them.
    """

    python: str
    platform: Mapping[str, str]
    processor: Mapping[str, Any] = field(default_factory=dict)
    threads: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, Package] = field(default_factory=dict)
    lock: tuple[str, ...] = ()
    variables: Variables | None = None

    @property
    def hash(self) -> str:
        """Of all but the lock; where no variable was read, what it was before they were noted."""
        told = {name: value for name, value in plain(self).items() if name not in ("lock", "variables")}
        read = {name: one.identity for name, one in (self.variables or {}).items()}
        return digest({**told, "variables": read} if read else told)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Read what a version's folder says, or the few versions that older releases kept.

        Raises: KeyError or TypeError where a part is missing.
        """
        if "packages" not in told:
            versions = {name: Package(version) for name, version in told.items() if version is not None}
            python, machine = versions.pop("python").version, versions.pop("machine").version
            return cls(python, dict(zip(("system", "machine"), machine.split(" ", 1), strict=True)), packages=versions)
        packages = {name: Package(**one) for name, one in told["packages"].items()}
        read = variables_told(told.get("variables"))
        return cls(**{**told, "packages": packages, "lock": tuple(told["lock"]), "variables": read})


@dataclass(frozen=True, slots=True)
class Legs:
    """All four; None for one that a version of an older release did not keep."""

    code: CodeLeg | None
    data: DataLeg | None
    config: ConfigLeg | None
    environment: EnvironmentLeg | None
