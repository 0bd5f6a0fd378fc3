"""Context variables that travel with a job: written where it is enqueued, set again around each of its runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ..contract.middleware import ClientMiddleware, NextAsync, NextPush, NextSync, ServerMiddleware
from ..contract.seams import Chain
from ..errors import DuplicateName, InvalidOption, shown
from ..job.push import PushRequest
from ..job.record import Record, check_name
from ..job.typed import TypedValues

FIELD = "context"
LOCALE = "locale"  # a field of its own, as Sidekiq's I18n middleware has it
_UNSET = object()


class CarriedContext:
    """The context variables of an app that travel. Costs nothing until there is one.

    Args:
        client_middleware, server_middleware: The app's chains; a link is added to each with the first variable.

    Example:
        >>> from contextvars import ContextVar
        >>> from offsider import App
        >>> app = App(editions=[])
        >>> tenant = ContextVar("tenant", default="nobody")
        >>> app.context.add("tenant", tenant)
        >>> app.context.names
        ['tenant']
    """

    def __init__(self, client_middleware: Chain[ClientMiddleware], server_middleware: Chain[ServerMiddleware]) -> None:
        self._chains = (client_middleware, server_middleware)
        self._variables: dict[str, tuple[ContextVar[Any], Any]] = {}
        self._typed = TypedValues("context")

    @property
    def names(self) -> list[str]:
        """What travels, in the order of registration."""
        return [*self._variables]

    def add(self, name: str, variable: ContextVar[Any], *, type: Any = None) -> None:
        """Let a context variable travel with every job.

        Its value is that at ``enqueue``; a variable that is not set there is not set in the job either. A retry has the
        first value again, and a job that is enqueued by a job has that job's.

        Args:
            name: Its key in the field ``context`` of the record. ``locale`` has a field of its own, which Sidekiq uses.
            variable: The variable; its values are JSON.
            type: Of values that are more than JSON: they come back as this type, as a job's arguments do.

        Raises:
            InvalidName: The name has other letters than ``A-Z a-z 0-9 _ . : -``.
            InvalidOption: It is no `ContextVar`.
            DuplicateName: The name is taken.
            SeamClosed: Too late: the app has pushed or works already.
        """
        check_name("name of a context variable", name)
        if not isinstance(variable, ContextVar):
            raise InvalidOption(f"{name} is {shown(variable)}: expected a ContextVar, e.g. ContextVar({name!r})")
        if name in self._variables:
            raise DuplicateName(f"the context has {name!r} already: give this one another name")
        if not self._variables:
            client, server = self._chains
            client.add("context", _Write(self), by="the context", first=True)
            server.add("context", _Restore(self), by="the context", first=True)
        self._variables[name] = (variable, type)

    def write(self, record: Record) -> None:
        """Put the values that are set here into a record; what it has already stays."""
        values = dict(record.get(FIELD) or {})
        for name, (variable, kind) in self._variables.items():
            value = variable.get(_UNSET)
            if value is _UNSET:
                continue
            if kind is not None:
                value = self._typed.to_json(name, kind, value, f"context.{name}")
            if name == LOCALE:
                record.setdefault(LOCALE, value)
            else:
                values.setdefault(name, value)
        if values:
            record[FIELD] = values

    @contextmanager
    def restored(self, record: Record) -> Iterator[None]:
        """Set the variables as a record has them; what it has beyond is somebody else's.

        Raises:
            InvalidArguments: A value is not of its type.
        """
        carried = record.get(FIELD)
        values = dict(carried) if isinstance(carried, dict) else {}
        if LOCALE in record:
            values[LOCALE] = record[LOCALE]
        tokens: list[tuple[ContextVar[Any], Any]] = []
        try:
            for name, value in values.items():
                if name in self._variables:
                    tokens.append(self._set(name, value))
            yield
        finally:
            for variable, token in reversed(tokens):
                variable.reset(token)

    def _set(self, name: str, value: Any) -> tuple[ContextVar[Any], Any]:
        variable, kind = self._variables[name]
        if kind is not None:
            value = self._typed.from_json(name, kind, value, f"context.{name}")
        return variable, variable.set(value)


class _Write(ClientMiddleware):
    """Around every push: the values travel."""

    def __init__(self, context: CarriedContext) -> None:
        self._context = context

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        """Write them, and go on."""
        self._context.write(request.record)
        return next(request)


class _Restore(ServerMiddleware):
    """Around the runs of jobs that carry something."""

    fields = frozenset({FIELD, LOCALE})

    def __init__(self, context: CarriedContext) -> None:
        self._context = context

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        with self._context.restored(execution.record):
            return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        with self._context.restored(execution.record):
            return await next(execution)
