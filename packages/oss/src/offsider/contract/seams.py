"""The four shapes of a seam. Every one is open while editions install, and closed after."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from ..errors import DuplicateName, SeamClosed, SeamError, SlotTaken, UnknownLink, suggest

T = TypeVar("T")
log = logging.getLogger("offsider")


class _Seam:
    def __init__(self, name: str) -> None:
        self.name = name
        self._closed = False

    def close(self) -> None:
        """Take no more registrations."""
        self._closed = True

    def _check_open(self, what: str, by: str) -> None:
        if self._closed:
            raise SeamClosed(
                f"{by} registers {what} at {self.name!r}, which is closed: the app already runs. Register while the"
                " app is defined, or in the edition's install methods"
            )


class Slot(_Seam, Generic[T]):
    """One provider, and a default.

    Example:
        >>> fetcher = Slot("fetcher", default="lease", default_by="offsider")
        >>> fetcher.fill("other", by="my-plugin")
        >>> fetcher.value
        'other'
    """

    def __init__(self, name: str, *, default: T, default_by: str) -> None:
        super().__init__(name)
        self._default_by = default_by
        self._by = default_by
        self.value = default

    @property
    def by(self) -> str:
        """Who fills it."""
        return self._by

    def fill(self, value: T, *, by: str, over: str | None = None) -> None:
        """Provide the value.

        Args:
            value: The provider.
            by: Who provides it.
            over: Whom it replaces, when that is not the default.

        Raises:
            SlotTaken: Somebody else fills it.
            SeamClosed: Too late.
        """
        self._check_open("a provider", by)
        if self._by not in (self._default_by, over):
            raise SlotTaken(
                f"{self.name!r} is filled by {self._by} and by {by}: remove one, or fill it over={self._by!r}"
            )
        self.value, self._by = value, by


class Chain(_Seam, Generic[T]):
    """Ordered links by key; the first added is the outermost.

    Example:
        >>> chain = Chain("server_middleware")
        >>> chain.add("timing", "T", by="app")
        >>> chain.add("tracing", "O", by="app", before="timing")
        >>> chain.compile()
        ['O', 'T']
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._links: list[tuple[str, T, str]] = []

    def add(
        self,
        key: str,
        link: T,
        *,
        by: str = "the app",
        before: str | None = None,
        after: str | None = None,
        first: bool = False,
    ) -> None:
        """Add a link: at the inner end, next to another, or outermost (``first``).

        Raises:
            DuplicateName: The key is taken.
            UnknownLink: There is no such neighbour.
            SeamClosed: Too late.
        """
        self._check_open(f"the link {key!r}", by)
        keys = [one for one, _link, _by in self._links]
        if key in keys:
            raise DuplicateName(f"{self.name!r} has a link {key!r} by {self._links[keys.index(key)][2]} and by {by}")
        if before is not None and after is not None:
            raise SeamError(f"{by} puts {key!r} before {before!r} and after {after!r}: give one of them")
        anchor = before or after
        if anchor is not None and anchor not in keys:
            raise UnknownLink(
                f"{by} puts {key!r} next to {anchor!r}, which {self.name!r} does not have.{suggest(anchor, keys)}"
                f" It has: {', '.join(keys) or 'nothing yet'}"
            )
        index = len(keys) if anchor is None else keys.index(anchor) + (0 if before else 1)
        self._links.insert(0 if first else index, (key, link, by))

    def extended(self) -> Chain[T]:
        """An open chain that begins with these links: for a process that adds links of its own."""
        other: Chain[T] = Chain(self.name)
        other._links = self._links.copy()
        return other

    def compile(self) -> list[T]:
        """The links, outermost first; the chain is closed from here on."""
        self.close()
        return [link for _key, link, _by in self._links]


class Registry(_Seam, Generic[T]):
    """Named things; a duplicate is an error.

    Example:
        >>> fields = Registry("heartbeat_fields")
        >>> fields.add("rss", lambda: 1, by="offsider")
        >>> [name for name, _ in fields.items()]
        ['rss']
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._things: dict[str, tuple[T, str]] = {}

    def add(self, key: str, thing: T, *, by: str) -> None:
        """Register a thing under a name.

        Raises:
            DuplicateName: The name is taken.
            SeamClosed: Too late.
        """
        self._check_open(repr(key), by)
        if key in self._things:
            raise DuplicateName(f"{self.name!r} has {key!r} by {self._things[key][1]} and by {by}: rename one")
        self._things[key] = (thing, by)

    def items(self) -> Iterator[tuple[str, T]]:
        """Names and things in the order of registration."""
        return iter([(key, thing) for key, (thing, _by) in self._things.items()])

    def owner(self, key: str) -> str:
        """Who registered it."""
        return self._things[key][1]

    def __contains__(self, key: object) -> bool:
        return key in self._things

    def __getitem__(self, key: str) -> T:
        return self._things[key][0]


EVENTS = (
    "startup",
    "quiet",
    "shutdown",
    "exit",
    "heartbeat",
    "beat",
    "error",
    "death",
    "cancelled",
    "deleted",
    "recovered",
    "fenced",
)
ABORTING = frozenset({"startup"})


class Events(_Seam):
    """Many listeners; one that fails is logged with its owner, and the others go on.

    Only an error at ``startup`` stops the start.
    """

    def __init__(self, name: str = "events") -> None:
        super().__init__(name)
        self._listeners: dict[str, list[tuple[Callable[..., Any], str]]] = {event: [] for event in EVENTS}

    def declare(self, event: str, *, by: str) -> None:
        """Add an event of one's own, which its owner emits.

        Raises:
            DuplicateName: There is such an event.
            SeamClosed: Too late: a worker of the app runs.

        Example:
            >>> events = Events()
            >>> events.declare("opened", by="shop")
            >>> events.on("opened", print)
            >>> events.emit("opened", "at nine")
            at nine
        """
        self._check_open(f"the event {event!r}", by)
        if event in self._listeners:
            raise DuplicateName(f"{self.name!r} has the event {event!r} already: {by} has to call its own otherwise")
        self._listeners[event] = []

    def on(self, event: str, listener: Callable[..., Any], *, by: str = "the app") -> None:
        """Call ``listener`` at each ``event``.

        Raises:
            UnknownLink: There is no such event.
            SeamClosed: Too late: a worker of the app runs.
        """
        self._check_open(f"a listener for {event!r}", by)
        if event not in self._listeners:
            known = [*self._listeners]
            raise UnknownLink(f"there is no event {event!r}.{suggest(event, known)} Events are: {', '.join(known)}")
        self._listeners[event].append((listener, by))

    def heard(self, event: str) -> bool:
        """True when somebody listens."""
        return bool(self._listeners[event])

    def emit(self, event: str, *arguments: Any) -> None:
        """Call every listener of an event, in the order of registration."""
        for listener, by in self._listeners[event]:
            try:
                listener(*arguments)
            except Exception:
                if event in ABORTING:
                    raise
                log.exception("a listener for %r by %s failed; the others go on", event, by)
