"""Middleware around pushing and around running; compiled once to nested closures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from ..errors import SeamError
from ..job.push import PushRequest

NextPush = Callable[[PushRequest], PushRequest | None]
NextSync = Callable[[Any], Any]
NextAsync = Callable[[Any], Awaitable[Any]]


class ClientMiddleware:
    """Around every push: single, bulk, scheduled, from ``def`` and ``async def`` alike.

    It does no I/O: it may change the record, or stop the push. The push itself comes after the whole chain.

    Attributes:
        fields: When there are some, it stands only around jobs with one of them in their record before the chain.

    Example:
        >>> class Tenant(ClientMiddleware):
        ...     def push(self, request, next):
        ...         request.record["tenant"] = "acme"
        ...         return next(request)
    """

    fields: ClassVar[frozenset[str]] = frozenset()

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        """Call ``next(request)`` and return what it returns; return None to stop the push."""
        return next(request)


class ServerMiddleware:
    """Around every run of a job. Not calling ``next`` ends the job without running it.

    ``call`` wraps ``def`` jobs, ``acall`` ``async def`` jobs. Who defines only one of them says so with ``only``.

    Attributes:
        only: ``"sync"`` or ``"async"``, when it stands around one kind of job.
        fields: When there are some, it stands only around jobs with one of them in their record: others do not pay.
        idle: True while it would do nothing: it stands around no job. A worker hears of a change by `Worker.rewire`.
        keeps_time: True for one that ends its jobs at their timeout itself; it has ``fields``, and a worker counts no
            time of a job with one of them.

    Example:
        >>> class Timing(ServerMiddleware):
        ...     only = "sync"
        ...     def call(self, execution, next):
        ...         return next(execution)
    """

    only: ClassVar[str | None] = None
    fields: ClassVar[frozenset[str]] = frozenset()
    idle: bool = False
    keeps_time: ClassVar[bool] = False

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job; on its thread."""
        return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job; in its task."""
        return await next(execution)


def compile_client(links: Sequence[ClientMiddleware]) -> NextPush:
    """One function out of the chain, the first link outermost."""

    def accept(request: PushRequest) -> PushRequest | None:
        return request

    chain: NextPush = accept
    for link in reversed(links):
        chain = _client_step(link, chain)
    return chain


def _client_step(link: ClientMiddleware, following: NextPush) -> NextPush:
    push, fields = link.push, link.fields
    if fields:
        return lambda request: following(request) if fields.isdisjoint(request.record) else push(request, following)
    return lambda request: push(request, following)


def compile_server(links: Sequence[ServerMiddleware], terminal: NextSync) -> NextSync:
    """One function for ``def`` jobs, of the links that are not idle now.

    Raises:
        SeamError: A link wraps only one kind of job and does not say so.
    """
    chain = terminal
    for link in reversed(links):
        _check_both(link)
        if link.only != "async" and not link.idle:
            chain = _sync_step(link, chain)
    return chain


def _sync_step(link: ServerMiddleware, following: NextSync) -> NextSync:
    call, fields = link.call, link.fields
    if fields:
        return lambda execution: (
            following(execution) if fields.isdisjoint(execution.record) else call(execution, following)
        )
    return lambda execution: call(execution, following)


def compile_server_async(links: Sequence[ServerMiddleware], terminal: NextAsync) -> NextAsync:
    """One function for ``async def`` jobs, of the links that are not idle now.

    Raises:
        SeamError: A link wraps only one kind of job and does not say so.
    """
    chain = terminal
    for link in reversed(links):
        _check_both(link)
        if link.only != "sync" and not link.idle:
            chain = _async_step(link, chain)
    return chain


def _async_step(link: ServerMiddleware, following: NextAsync) -> NextAsync:
    acall, fields = link.acall, link.fields
    if fields:
        return lambda execution: (
            following(execution) if fields.isdisjoint(execution.record) else acall(execution, following)
        )
    return lambda execution: acall(execution, following)


def _check_both(link: ServerMiddleware) -> None:
    kind = type(link)
    wraps_sync = kind.call is not ServerMiddleware.call
    wraps_async = kind.acall is not ServerMiddleware.acall
    if wraps_sync != wraps_async and link.only is None:
        has, lacks = ("call", "acall") if wraps_sync else ("acall", "call")
        raise SeamError(
            f"the server middleware {kind.__qualname__} defines {has} but not {lacks}: define both, or set"
            f" only = {'sync' if wraps_sync else 'async'!r} when the other kind of job is to go without it"
        )
