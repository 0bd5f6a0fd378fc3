"""Connections of those who look and act by hand: lent for one question, kept for the next. Any thread may ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import RedisRefused
from ..store.classify import is_wrong_type
from ..store.connection import Connections

if TYPE_CHECKING:
    from ..store.wire import Argument, Wire

READ_TIMEOUT_S = 15.0
MOST_IDLE = 4


class Desk:
    """Lends one connection a question; as many as there are askers at once, and a few are kept open.

    Args:
        connections: Where they come from.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._idle: list[Wire] = []
        self._closed = False

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        """A connection of the caller's own, for as long as this lasts.

        Raises:
            RedisRefused: Inside of it a key was met that is of another type than it should be.
        """
        try:
            wire = self._idle.pop()
        except IndexError:
            wire = self._connections.wire("api", read_timeout_s=READ_TIMEOUT_S)
        try:
            yield wire
        except Exception as error:
            if not is_wrong_type(error):
                raise
            raise RedisRefused(
                f"a key is of another type than it should be ({str(error)[:200]}); nothing was changed. Another program"
                " has written it: look at it with redis-cli, or choose another namespace"
            ) from error
        finally:
            if self._closed or len(self._idle) >= MOST_IDLE:
                wire.close()
            else:
                self._idle.append(wire)

    def close(self) -> None:
        """Drop those that are not lent now, and each of the others when it comes back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()


def told(wire: Wire, default: Any, *words: Argument) -> Any:
    """The answer to a command that only looks; ``default`` where the key is of another type.

    Args:
        wire: A connection.
        default: For a key that somebody else has written.
        words: The command.

    Raises:
        StoreError: Redis is away or refuses.
    """
    try:
        return wire.command(*words)
    except Exception as error:
        if is_wrong_type(error):
            return default
        raise
