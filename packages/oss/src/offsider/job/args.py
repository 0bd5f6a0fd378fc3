"""Arguments: from a call to JSON and back to the annotated types. Never does I/O.

A job whose annotations are plain JSON types never imports pydantic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import InvalidArguments, JobError, NotJson, shown
from .checks import Check, head_of, inner_check, plain_check, shows_all
from .context import Context
from .record import check_json
from .signature import JobSignature
from .typed import TypedValues


class Arguments:
    """The arguments of one job, prepared once.

    * `encode`, at the caller: names, number and types are checked; what comes out is JSON;
    * `decode`, at the worker: the annotated types come back; what does not fit is told with its path;
    * parameters annotated with `Context` are not part of the wire.

    Args:
        fn: The job's function.
        name: The job's name.
        secret: True when no value of an argument is to be shown, in no message.
    """

    def __init__(self, fn: Callable[..., Any], name: str, *, secret: bool = False) -> None:
        self._name = name
        self._secret = secret
        self._signature = JobSignature(fn, name)
        self.wants_context = self._signature.context is not None
        hint = self._signature.hint
        self._checks = {parameter: plain_check(hint(parameter)) for parameter in self._signature.wire.parameters}
        self._plain = None not in self._checks.values()
        self._typed = TypedValues(name)
        self._usual, self._inner = self._usual_call()
        self._shows_all = not secret and all(shows_all(hint(name)) for name in self._signature.positional)

    # -- at the caller -----------------------------------------------------------------------------------

    def encode(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """JSON values for a call.

        Raises:
            InvalidArguments: The call does not fit the signature; the message has the path.
            NotJson: A value that JSON cannot carry.
        """
        usual = None if kwargs else self._usual_json(args)
        if usual is not None:
            return usual, {}
        return self._each(self._to_json, *self.bound(args, kwargs))

    def bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """A call in the form in which it travels: by position as far as there is no gap. The values stay as they are.

        Raises:
            InvalidArguments: The call does not fit the signature.
        """
        call = self._signature.fit(args, kwargs)
        if call is None:
            bound = self._signature.bind(args, kwargs)
            call = [*bound.args], bound.kwargs
        return call

    def _usual_json(self, args: Sequence[Any]) -> list[Any] | None:
        """The JSON of a usual call, when the types of its arguments show that they fit; else None."""
        if not (self._shows_all and self._is_usual(args)):
            return None
        try:
            for value in args:
                if type(value) is not str:
                    check_json(value, "")
        except NotJson:
            return None  # the long way names the argument
        return list(args)

    def _check(self, name: str, value: Any, path: str) -> None:
        check = self._checks[name]
        if check is not None:
            self._fits(check, name, value, path)
            if type(value) not in (str, bool):
                check_json(value, path)

    def _to_json(self, name: str, value: Any, path: str) -> Any:
        if self._checks[name] is None:
            return self._typed.to_json(name, self._signature.hint(name), value, path)
        self._check(name, value, path)
        return value

    # -- at the worker -----------------------------------------------------------------------------------

    def glance(self, args: list[Any]) -> list[Any] | None:
        """The arguments of a usual payload, when their types show that they are what was written; else None."""
        if not (self._shows_all and self._is_usual(args)):
            return None
        return args.copy() if self.wants_context else args

    def decode(self, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The annotated values from JSON; the payload's own list and dict stay as they are.

        Raises:
            InvalidArguments: They do not fit the signature as it is in this process.
        """
        if not kwargs and self._is_usual(args):
            return (args.copy() if self.wants_context else args), {}
        self._check_count(args, kwargs)
        return self._each(self._restore, args, kwargs)

    @property
    def names(self) -> list[str]:
        """The parameters that travel."""
        return [*self._signature.wire.parameters]

    def named(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[tuple[int | str, str]]:
        """For each value of a payload its place there, a number or a keyword, and its parameter; empty for none."""
        signature = self._signature
        for number in range(len(args)):
            fits = number < len(signature.positional) or signature.rest is not None
            yield number, signature.at(number) if fits else ""
        for keyword in kwargs:
            yield keyword, signature.of(keyword)

    def hint(self, name: str) -> Any:
        """A parameter's annotation, evaluated; ``Any`` without one."""
        return self._signature.hint(name)

    def inject(self, args: list[Any], kwargs: dict[str, Any], context: Context) -> None:
        """Put the context where the signature asks for it."""
        self._signature.inject(args, kwargs, context)

    def _check_count(self, args: list[Any], kwargs: dict[str, Any]) -> None:
        signature, count = self._signature, len(args)
        if count > len(signature.positional) and signature.rest is None:
            raise InvalidArguments(f"job {self._name}{signature.wire}: the payload has {count} positional arguments")
        taken = signature.positional[:count]
        given = {*taken, *(key for key in kwargs if key in signature.named)}
        for key in kwargs:
            if (key in taken or key not in signature.named) and (key in signature.named or signature.others is None):
                raise InvalidArguments(f"job {self._name}{signature.wire}: the payload has an argument {shown(key)}")
        missing = [name for name in signature.required if name not in given]
        if missing:
            raise InvalidArguments(f"job {self._name}{signature.wire}: the payload lacks {', '.join(missing)}")

    def _restore(self, name: str, value: Any, path: str) -> Any:
        check = self._checks[name]
        if check is None:
            return self._typed.from_json(name, self._signature.hint(name), value, path)
        self._fits(check, name, value, path)
        return value

    # -- both ----------------------------------------------------------------------------------------------

    def _is_usual(self, args: Sequence[Any]) -> bool:
        """True when the types of positional arguments fit, and what lists and dicts hold, too."""
        if [*map(type, args)] != self._usual:
            return False
        for k, check in self._inner:  # noqa: SIM110 - on the path of every job: a generator costs more than the check
            if not check(args[k]):
                return False
        return True

    def _each(
        self, convert: Callable[[str, Any, str], Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Convert each value by its parameter; the path is what a message calls it."""
        signature, fixed = self._signature, len(self._signature.positional)
        if self._secret:
            convert = self._unseen(convert)
        converted = []
        for number, value in enumerate(args):
            name = signature.at(number)
            converted.append(convert(name, value, name if number < fixed else f"{name}[{number - fixed}]"))
        return converted, {key: convert(signature.of(key), value, key) for key, value in kwargs.items()}

    def _unseen(self, convert: Callable[[str, Any, str], Any]) -> Callable[[str, Any, str], Any]:
        """The same, with messages that show no value."""

        def converted(name: str, value: Any, path: str) -> Any:
            try:
                return convert(name, value, path)
            except Exception as error:  # noqa: BLE001 - the annotation's own code may raise anything, with the value in it
                kind = "" if isinstance(error, JobError) else f" ({type(error).__name__})"
                raise InvalidArguments(
                    f"job {self._name!r}: {path} does not fit; expected {self._expected(name)}{kind}. What it is is not"
                    " shown: the job's arguments are encrypted"
                ) from None

        return converted

    def _fits(self, check: Check, name: str, value: Any, path: str) -> None:
        if not check(value):
            raise InvalidArguments(
                f"job {self._name!r}: {path} is {shown(value)} ({type(value).__name__});"
                f" expected {self._expected(name)}"
            )

    def _expected(self, name: str) -> str:
        hint = self._signature.hint(name)
        return hint.__name__ if isinstance(hint, type) else str(hint)

    # -- preparing -----------------------------------------------------------------------------------------

    def _usual_call(self) -> tuple[list[type] | None, list[tuple[int, Check]]]:
        """What nearly every payload of the job is: the types of its arguments, and checks of what lists and dicts hold.

        None for a job whose payloads need more than such a look.
        """
        names = self._signature.positional
        hints = [self._signature.hint(name) for name in names]
        heads = [head_of(hint) for hint in hints]
        if not self._plain or not set(self._signature.required) <= set(names) or None in heads:
            return None, []
        inner = [(k, check) for k, hint in enumerate(hints) if (check := inner_check(hint))]
        return [head for head in heads if head is not None], inner
