"""A job's signature: what of it travels, and where the `Context` goes. Never does I/O."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

from ..errors import InvalidArguments
from .context import Context

CURSOR = "cursor"
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def takes_cursor(fn: Any) -> bool:
    """True for a generator, ``def`` or ``async def``, whose first parameter is called ``cursor``.

    Example:
        >>> def walk(cursor: int | None, path: str):
        ...     yield 1
        >>> takes_cursor(walk), takes_cursor(len)
        (True, False)
    """
    if not (inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn)):
        return False
    first = next(iter(inspect.signature(fn).parameters.values()), None)
    return first is not None and first.name == CURSOR and first.kind in _POSITIONAL


class JobSignature:
    """What callers give (`wire`) and what the worker adds.

    Attributes:
        wire: The signature without the `Context`, and without the cursor of a resumable job.
        positional: Names that may be given by position.
        named: Names that may be given by keyword.
        rest, others: The names of ``*args`` and ``**kwargs``; None without.
        required: Names without a default.
        context: The name of the parameter that is annotated with `Context`; None without.

    Raises:
        InvalidArguments: An annotation is not known in its module, or two parameters want the `Context`.
    """

    def __init__(self, fn: Callable[..., Any], job: str) -> None:
        whole = inspect.signature(fn)
        self._cursor = takes_cursor(fn)
        if self._cursor:  # the worker puts it before all others
            whole = whole.replace(parameters=[*whole.parameters.values()][1:])
        self._hints = _hints(fn)
        self._job = job
        self.context = self._find_context(whole)
        self.wire = whole.replace(
            parameters=[one for one in whole.parameters.values() if one.name != self.context],
            return_annotation=inspect.Signature.empty,
        )
        parameters = self.wire.parameters.values()
        self.positional = [one.name for one in parameters if one.kind in _POSITIONAL]
        self.named = frozenset(one.name for one in parameters if one.kind in _NAMED)
        self.rest = self._of_kind(inspect.Parameter.VAR_POSITIONAL)
        self.others = self._of_kind(inspect.Parameter.VAR_KEYWORD)
        self.required = [one.name for one in parameters if one.default is one.empty and one.kind not in _VARIADIC]
        self._required = frozenset(self.required)
        self._context_index = self._index_of(whole)

    def hint(self, name: str) -> Any:
        """A parameter's annotation, evaluated; ``Any`` without one."""
        return self._hints.get(name, Any)

    def at(self, number: int) -> str:
        """The name of the parameter that takes a positional argument."""
        if number < len(self.positional):
            return self.positional[number]
        assert self.rest is not None  # bind() and the worker's count see to it
        return self.rest

    def of(self, keyword: str) -> str:
        """The name of the parameter that takes a keyword argument."""
        return keyword if keyword in self.named else self.others or keyword

    def fit(self, args: Any, kwargs: Any) -> tuple[list[Any], dict[str, Any]] | None:
        """The call as it travels: by position as far as there is no gap. None for one that `bind` has to look at.

        `inspect.Signature.bind` takes five times as long.
        """
        count = len(args)
        if self.rest is not None or self.others is not None or count > len(self.positional):
            return None
        values, named = list(args), dict(kwargs)
        for name in self.positional[count:] if named else ():
            if name not in named:
                break
            values.append(named.pop(name))
        given = {*self.positional[: len(values)], *named}
        if not self._required <= given or not self.named.issuperset(kwargs) or len(given) != count + len(kwargs):
            return None
        return values, named

    def bind(self, args: Any, kwargs: Any) -> inspect.BoundArguments:
        """A call's arguments by parameter.

        Raises:
            InvalidArguments: The call does not fit.
        """
        for name in (self.context, CURSOR if self._cursor else None):
            if name is not None and name in kwargs:
                raise InvalidArguments(f"job {self._job}{self.wire}: {name} is filled in by the worker; leave it out")
        try:
            return self.wire.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidArguments(f"job {self._job}{self.wire}: {error}") from None

    def inject(self, args: list[Any], kwargs: dict[str, Any], context: Context) -> None:
        """Put the context where the signature asks for it."""
        index = self._context_index
        if self.context is None:
            return
        if index is None or (len(args) < index and self._context_by_name):
            kwargs[self.context] = context
            return
        args += [self.wire.parameters[name].default for name in self.positional[len(args) : index]]
        args.insert(index, context)

    # -- preparing -----------------------------------------------------------------------------------------

    def _find_context(self, whole: inspect.Signature) -> str | None:
        found = [name for name in whole.parameters if _is_context(self._hints.get(name))]
        if len(found) > 1:
            raise InvalidArguments(f"job {self._job!r} wants the Context as {' and as '.join(found)}: once is enough")
        return found[0] if found else None

    def _index_of(self, whole: inspect.Signature) -> int | None:
        if self.context is None or whole.parameters[self.context].kind not in _POSITIONAL:
            self._context_by_name = True
            return None
        self._context_by_name = whole.parameters[self.context].kind in _NAMED
        return list(whole.parameters).index(self.context)

    def _of_kind(self, kind: Any) -> str | None:
        return next((one.name for one in self.wire.parameters.values() if one.kind is kind), None)


def _is_context(hint: Any) -> bool:
    """``Context``, and ``Context | None``."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return set(typing.get_args(hint)) == {Context, type(None)}
    return hint is Context


def _hints(fn: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(fn, include_extras=True)
    except NameError as error:
        raise InvalidArguments(
            f"job {fn.__module__}.{fn.__qualname__}: the annotation {error.name!r} is not known in its module. Import"
            " it there, not only under TYPE_CHECKING"
        ) from error
