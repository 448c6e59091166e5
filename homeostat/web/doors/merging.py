"""One exposition of several replicas' metrics: each sample gets a label that names its replica."""

from __future__ import annotations

from collections.abc import Mapping

_LABEL = "replica"


def merged(expositions: Mapping[str, bytes]) -> bytes:
    """Every family once, with the samples of all replicas.

    >>> merged({"r1": b"# TYPE a counter\\na 1\\n", "r2": b'# TYPE a counter\\na{b="c"} 2\\n'}).decode().split("\\n")
    ['# TYPE a counter', 'a{replica="r1"} 1', 'a{replica="r2",b="c"} 2', '']
    """
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for replica, text in expositions.items():
        family = ""
        for line in text.decode().splitlines():
            if line.startswith("#"):
                family = line.split(" ", 3)[2]
                known = heads.setdefault(family, [])
                if line not in known:
                    known.append(line)
            elif line:
                samples.setdefault(family, []).append(_labelled(line, replica))
    lines = [line for name, head in heads.items() for line in (*head, *samples.get(name, ()))]
    return "".join(f"{line}\n" for line in lines).encode()


def _labelled(sample: str, replica: str) -> str:
    name, brace, rest = sample.partition("{")
    if brace and " " not in name:
        return f'{name}{{{_LABEL}="{replica}",{rest}'
    name, _, value = sample.partition(" ")
    return f'{name}{{{_LABEL}="{replica}"}} {value}'
