"""What a function means, free of formatting: its code, and the constants and helpers it refers to."""

from __future__ import annotations

import ast
import builtins
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from homeostat.kernel.errors import InvalidInput

_SCALARS = (type(None), bool, int, float, complex, str, bytes)


def meaning_of_function(function: Callable[..., Any]) -> dict[str, object]:
    """JSON values that change when the function's behaviour may, and not with comments or layout.

    Follows constants, closures and helper functions of the same module; what comes from other modules counts
    by its name. Raises: InvalidInput when the source or a value it refers to cannot be identified.
    """
    return _function(function, frozenset())


def _function(function: Callable[..., Any], seen: frozenset[str]) -> dict[str, object]:
    tree = _tree(function)
    own = {*function.__code__.co_varnames, *function.__code__.co_cellvars}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - own
    known = _namespace(function)
    seen = seen | {tree.name}
    refers = {
        name: _value(known[name], name, function, seen) for name in sorted(names) if name in known and name not in seen
    }
    return {"code": ast.unparse(tree), "refers": refers}


def _tree(function: Callable[..., Any]) -> ast.FunctionDef:
    try:
        node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError) as error:
        raise _unknown(function, "its source cannot be read") from error
    if not isinstance(node, ast.FunctionDef):
        raise _unknown(function, "it is not written as 'def name(...)'")
    node.decorator_list = []
    node.returns = None
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:] or [ast.Pass()]
    return node


def _namespace(function: Callable[..., Any]) -> dict[str, object]:
    closure = inspect.getclosurevars(function).nonlocals
    return {**function.__globals__, **closure}


def _value(value: object, name: str, function: Callable[..., Any], seen: frozenset[str]) -> object:
    if isinstance(value, ModuleType):
        return {"module": value.__name__}
    if isinstance(value, FunctionType) and value.__module__ == function.__module__:
        return _function(value, seen)
    if isinstance(value, np.ndarray) and value.dtype != object:
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"array": content, "type": str(value.dtype), "shape": list(value.shape)}
    constant = _constant(value)
    if constant is not None:
        return constant
    if callable(value) and hasattr(value, "__name__"):
        return {"named": f"{getattr(value, '__module__', None) or builtins.__name__}.{value.__name__}"}
    raise _unknown(function, f"the value of {name!r} cannot be identified")


def _constant(value: object) -> object:
    if isinstance(value, _SCALARS):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return _all([_constant(item) for item in value])
    if isinstance(value, (set, frozenset)):
        items = _all([_constant(item) for item in value])
        return None if items is None else sorted(items, key=repr)
    if isinstance(value, Mapping):
        pairs = [_all([_constant(key), _constant(item)]) for key, item in value.items()]
        listed = _all(pairs)
        return None if listed is None else {"mapping": sorted(listed, key=repr)}
    return None


def _all(items: list[Any]) -> list[Any] | None:
    return None if any(item is None for item in items) else items


def _unknown(function: Callable[..., Any], why: str) -> InvalidInput:
    name = getattr(function, "__name__", repr(function))
    return InvalidInput(
        f"What {name!r} computes cannot be pinned: {why}.",
        mend="Define it with def in a file, and let it refer only to constants, functions and modules.",
        transform=name,
    )
