"""Arguments: from a call to JSON and back to the annotated types. Never does I/O.

A job whose annotations are plain JSON types never imports pydantic.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InvalidArguments
from .context import Context
from .record import check_json

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_TEXT = frozenset((str,))
_HEADS: dict[Any, type] = {kind: kind for kind in (str, int, bool, list, dict, type(None))} | {None: type(None)}
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Arguments:
    """The arguments of one job, prepared once.

    * `encode`, at the caller: names, number and types are checked; what comes out is JSON;
    * `decode`, at the worker: the annotated types come back; what does not fit is told with its path;
    * parameters annotated with `Context` are not part of the wire.
    """

    def __init__(self, fn: Callable[..., Any], name: str) -> None:
        self._fn = fn
        self._name = name
        self._signature = inspect.signature(fn)
        self._hints = _hints(fn)
        self.context_index: int | None = None
        self.context_name: str | None = None
        self._wire = self._without_context()
        self.wants_context = len(self._wire.parameters) < len(self._signature.parameters)
        self._positional = [
            (parameter.name, self._hints.get(parameter.name, Any))
            for parameter in self._wire.parameters.values()
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
        self._plain = all(_is_plain(self._hint(one)) for one in self._wire.parameters.values())
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        self._checks = {one.name: _plain_check(self._hint(one)) for one in self._wire.parameters.values()}
        self._rest = self._of_kind(inspect.Parameter.VAR_POSITIONAL)
        self._keywords = self._of_kind(inspect.Parameter.VAR_KEYWORD)
        self._required = [
            one.name for one in self._wire.parameters.values() if one.default is one.empty and one.kind not in _VARIADIC
        ]
        self._usual, self._inner = self._usual_call()

    # -- at the caller -----------------------------------------------------------------------------------

    def encode(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """JSON values for a call.

        Raises:
            InvalidArguments: The call does not fit the signature; the message has the path.
            NotJson: A value that JSON cannot carry.
        """
        try:
            bound = self._wire.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidArguments(f"job {self._name}{self._wire}: {error}") from None
        for name, value in bound.arguments.items():
            kind = self._wire.parameters[name].kind
            if kind is inspect.Parameter.VAR_POSITIONAL:
                for number, one in enumerate(value):
                    self._check(name, one, f"{name}[{number}]")
            elif kind is inspect.Parameter.VAR_KEYWORD:
                for key, one in value.items():
                    self._check(name, one, key)
            else:
                self._check(name, value, name)
        if self._plain:
            return list(bound.args), dict(bound.kwargs)
        return self._dump(bound)

    def _check(self, name: str, value: Any, path: str) -> None:
        check = self._checks[name]
        if check is not None:
            if not check(value):
                raise InvalidArguments(self._misfit(name, value, path))
            if type(value) not in (str, int, bool):
                check_json(value, path)

    def _dump(self, bound: inspect.BoundArguments) -> tuple[list[Any], dict[str, Any]]:
        args: list[Any] = []
        for number, value in enumerate(bound.args):
            name, _hint = self._parameter_at(number)
            args.append(self._to_json(name, value, name))
        kwargs = {}
        for key, value in bound.kwargs.items():
            name = key if key in self._wire.parameters else self._keywords or key
            kwargs[key] = self._to_json(name, value, key)
        return args, kwargs

    def _to_json(self, name: str, value: Any, path: str) -> Any:
        if self._checks[name] is not None:
            return value
        from pydantic import ValidationError
        from pydantic_core import PydanticSerializationError

        adapter = self._adapter(name)
        try:
            checked = adapter.validate_python(value, strict=True)
            return adapter.dump_python(checked, mode="json", warnings="error")
        except ValidationError as error:
            raise InvalidArguments(self._invalid(path, error)) from None
        except PydanticSerializationError as error:
            raise InvalidArguments(f"job {self._name!r}: {path} cannot be written as JSON: {error}") from None

    # -- at the worker -----------------------------------------------------------------------------------

    def decode(self, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The annotated values from JSON.

        Raises:
            InvalidArguments: They do not fit the signature as it is in this process.
        """
        if not kwargs and [*map(type, args)] == self._usual:
            for k, check in self._inner:
                if not check(args[k]):
                    break
            else:
                return args, {}
        self._check_count(args, kwargs)
        if self._plain:
            for number, value in enumerate(args):
                self._check_restored(self._parameter_at(number)[0], value)
            for key, value in kwargs.items():
                self._check_restored(key if key in self._checks else self._keywords or key, value)
            return args, dict(kwargs)
        restored = [self._restore(self._parameter_at(number)[0], value) for number, value in enumerate(args)]
        named = {
            key: self._restore(key if key in self._checks else self._keywords or key, value, key)
            for key, value in kwargs.items()
        }
        return restored, named

    def _check_restored(self, name: str, value: Any) -> None:
        check = self._checks[name]
        if check is not None and not check(value):
            raise InvalidArguments(self._misfit(name, value, name))

    def _check_count(self, args: list[Any], kwargs: dict[str, Any]) -> None:
        count = len(args)
        if count > len(self._positional) and self._rest is None:
            raise InvalidArguments(f"job {self._name}{self._wire}: the payload has {count} positional arguments")
        if kwargs:
            taken = {name for name, _hint in self._positional[:count]}
            for key in kwargs:
                if key in taken or (key not in self._checks and self._keywords is None):
                    raise InvalidArguments(f"job {self._name}{self._wire}: the payload has an argument {key!r}")
        if count + len(kwargs) < len(self._required) or kwargs or count < len(self._positional):
            given = {name for name, _hint in self._positional[:count]}.union(kwargs)
            missing = [name for name in self._required if name not in given]
            if missing:
                raise InvalidArguments(f"job {self._name}{self._wire}: the payload lacks {', '.join(missing)}")

    def _restore(self, name: str, value: Any, path: str = "") -> Any:
        if self._checks[name] is not None:
            self._check_restored(name, value)
            return value
        from pydantic import ValidationError
        from pydantic_core import to_json

        try:
            # As JSON, so that strict means: "5" is not 5, but "2026-01-01" is a date and [1, 2] a tuple.
            return self._adapter(name).validate_json(to_json(value), strict=True)
        except ValidationError as error:
            raise InvalidArguments(self._invalid(path or name, error)) from None

    # -- preparing -----------------------------------------------------------------------------------------

    def _without_context(self) -> inspect.Signature:
        kept = []
        for index, parameter in enumerate(self._signature.parameters.values()):
            if self._hints.get(parameter.name) is Context:
                if parameter.kind is parameter.KEYWORD_ONLY:
                    self.context_name = parameter.name
                else:
                    self.context_index, self.context_name = index, None
                    self._context_keyword = parameter.name
            else:
                kept.append(parameter)
        return self._signature.replace(parameters=kept, return_annotation=inspect.Signature.empty)

    def inject(self, args: list[Any], kwargs: dict[str, Any], context: Context) -> None:
        """Put the context where the signature asks for it."""
        if self.context_name is not None:
            kwargs[self.context_name] = context
        elif self.context_index is not None:
            if len(args) >= self.context_index:
                args.insert(self.context_index, context)
            else:
                kwargs[self._context_keyword] = context

    def _usual_call(self) -> tuple[list[type] | None, list[tuple[int, Callable[[Any], bool]]]]:
        """What nearly every payload of the job is: the types of its arguments, and checks of what lists and dicts hold.

        None for a job whose payloads need more than such a look.
        """
        names = [name for name, _hint in self._positional]
        heads = [_HEADS.get(typing.get_origin(hint) or hint) for _name, hint in self._positional]
        if not self._plain or not set(self._required) <= set(names) or None in heads:
            return None, []
        inner = [(k, check) for k, (_name, hint) in enumerate(self._positional) if (check := _inner_check(hint))]
        return [head for head in heads if head is not None], inner

    def _hint(self, parameter: inspect.Parameter) -> Any:
        return self._hints.get(parameter.name, Any)

    def _of_kind(self, kind: Any) -> str | None:
        for parameter in self._wire.parameters.values():
            if parameter.kind is kind:
                return parameter.name
        return None

    def _parameter_at(self, number: int) -> tuple[str, Any]:
        if number < len(self._positional):
            return self._positional[number]
        assert self._rest is not None  # bind() and _check_count() see to it
        return self._rest, self._hints.get(self._rest, Any)

    def _adapter(self, name: str) -> TypeAdapter[Any]:
        adapter = self._adapters.get(name)
        if adapter is None:
            from pydantic import TypeAdapter

            adapter = self._adapters[name] = TypeAdapter(self._hints.get(name, Any))
        return adapter

    def _misfit(self, name: str, value: Any, path: str) -> str:
        hint = self._hints.get(name, Any)
        expected = getattr(hint, "__name__", None) if isinstance(hint, type) else str(hint)
        return f"job {self._name!r}: {path} is {value!r:.80} ({type(value).__name__}); expected {expected}"

    def _invalid(self, path: str, error: Any) -> str:
        problems = []
        for one in error.errors(include_url=False)[:5]:
            where = path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in one["loc"])
            problems.append(f"{where} is {one['input']!r:.80}: {one['msg']}")
        return f"job {self._name!r}: " + "; ".join(problems)


def _hints(fn: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(fn, include_extras=True)
    except NameError as error:
        raise InvalidArguments(
            f"job {fn.__module__}.{fn.__qualname__}: the annotation {error.name!r} is not known in its module. Import"
            " it there, not only under TYPE_CHECKING"
        ) from error


def _is_plain(hint: Any) -> bool:
    return _plain_check(hint) is not None


def _plain_check(hint: Any) -> Callable[[Any], bool] | None:
    """A check for a plain JSON annotation; None when pydantic has to restore it."""
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
        checks = [_plain_check(one) for one in arguments]
        if all(check is not None for check in checks):
            return lambda value: any(check(value) for check in checks)  # type: ignore[misc]
        return None
    if origin is list and arguments:
        return _list_check(_plain_check(arguments[0]))
    if origin is dict and arguments and arguments[0] is str:
        return _dict_check(_plain_check(arguments[1]))
    return None


def _inner_check(hint: Any) -> Callable[[Any], bool] | None:
    """A check of what a list or dict from a payload holds; its keys are text there."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if not arguments or arguments[-1] in (Any, object):
        return None
    if arguments[-1] in (str, int, bool):
        kinds = frozenset((arguments[-1],))
        if origin is dict:
            return lambda value: kinds.issuperset(map(type, value.values()))
        return lambda value: kinds.issuperset(map(type, value))
    return _plain_check(hint)


def _anything(_value: Any) -> bool:
    return True


def _list_check(item: Callable[[Any], bool] | None) -> Callable[[Any], bool] | None:
    if item is None:
        return None
    return lambda value: type(value) is list and all(map(item, value))


def _dict_check(item: Callable[[Any], bool] | None) -> Callable[[Any], bool] | None:
    if item is None:
        return None
    return lambda value: type(value) is dict and _TEXT.issuperset(map(type, value)) and all(map(item, value.values()))
