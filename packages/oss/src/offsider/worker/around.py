"""The server middleware of a worker, compiled: all of it, and what of it stands around a usual job. Runs nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..contract.middleware import ServerMiddleware, compile_server, compile_server_async

Perform = Callable[[Any], Any]
PerformAsync = Callable[[Any], Awaitable[Any]]


class Around:
    """Each job pays for the links that it needs, and for no others.

    Args:
        links: The chain, outermost first.
        perform: The body of a ``def`` job.
        aperform: The body of an ``async def`` job.

    Attributes:
        fields: A job with one of these in its record is not usual.
        timed: A job with one of these has its timeout kept by a link.
        usual, ausual: What stands around a usual job now.
        whole, awhole: What stands around any other.

    Raises:
        SeamError: A link wraps only one kind of job and does not say so.

    Example:
        >>> around = Around([], lambda execution: "done", None)
        >>> around.usual("execution")
        'done'
    """

    def __init__(self, links: Sequence[ServerMiddleware], perform: Perform, aperform: PerformAsync) -> None:
        self._links = links
        self._ends = (perform, aperform)
        self.fields = frozenset[str]().union(*(link.fields for link in links))
        self.timed = frozenset[str]().union(*(link.fields for link in links if link.keeps_time))
        self.usual: Perform
        self.ausual: PerformAsync
        self.compile()

    def compile(self) -> None:
        """Again, after a link has become idle, or is no longer."""
        perform, aperform = self._ends
        self.whole, self.awhole = compile_server(self._links, perform), compile_server_async(self._links, aperform)
        usual = [link for link in self._links if not link.fields]
        self.usual, self.ausual = compile_server(usual, perform), compile_server_async(usual, aperform)
