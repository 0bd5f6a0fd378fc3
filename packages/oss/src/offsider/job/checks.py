"""Checks of plain JSON annotations: what needs no pydantic. Never does I/O."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]

_TEXT = frozenset((str,))
_HEADS: dict[Any, type] = {kind: kind for kind in (str, int, bool, list, dict, type(None))} | {None: type(None)}


def plain_check(hint: Any) -> Check | None:
    """A check for a plain JSON annotation; None when pydantic has to restore it.

    Example:
        >>> plain_check(list[int])([1, True])
        False
    """
    if hint is Any or hint is object or hint is inspect.Parameter.empty:
        return _anything
    if hint is None:
        hint = type(None)
    if hint in (str, int, bool, type(None), list, dict):
        return lambda value: type(value) is hint
    if hint is float:
        return lambda value: type(value) is float or type(value) is int
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        checks = [plain_check(one) for one in arguments]
        if all(check is not None for check in checks):
            return lambda value: any(check(value) for check in checks)  # type: ignore[misc]
        return None
    if origin is list and arguments:
        return _list_check(plain_check(arguments[0]))
    if origin is dict and arguments and arguments[0] is str:
        return _dict_check(plain_check(arguments[1]))
    return None


def head_of(hint: Any) -> type | None:
    """The one type that a value of a plain annotation has; None where there are several."""
    return _HEADS.get(typing.get_origin(hint) or hint)


def inner_check(hint: Any) -> Check | None:
    """A check of what a list or dict from a payload holds (keys are text there); None when nothing needs a look."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if not arguments or arguments[-1] in (Any, object):
        return None
    if arguments[-1] in (str, int, bool):
        kinds = frozenset((arguments[-1],))
        if origin is dict:
            return lambda value: kinds.issuperset(map(type, value.values()))
        return lambda value: kinds.issuperset(map(type, value))
    return plain_check(hint)


def shows_all(hint: Any) -> bool:
    """True when a value that fits has no float in it: a list or dict of anything may."""
    if hint in (str, int, bool, type(None), None):
        return True
    arguments = typing.get_args(hint)
    return typing.get_origin(hint) in (list, dict) and bool(arguments) and arguments[-1] in (str, int, bool)


def _anything(_value: Any) -> bool:
    return True


def _list_check(item: Check | None) -> Check | None:
    if item is None:
        return None
    return lambda value: type(value) is list and all(map(item, value))


def _dict_check(item: Check | None) -> Check | None:
    if item is None:
        return None
    return lambda value: type(value) is dict and _TEXT.issuperset(map(type, value)) and all(map(item, value.values()))
