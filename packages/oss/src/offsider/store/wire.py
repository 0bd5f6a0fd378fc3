"""A connection of one caller's own: scripts and commands, each sent once. Any doubt drops it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any

import redis
import redis.asyncio

from ..errors import RedisUnavailable, StoreError
from .address import Address
from .classify import Trouble, as_store_error, classify
from .discovery import Discovery, Fixed, Redirect, redirect
from .scripts import Script

pack_command: Any
try:
    from hiredis import pack_command
except ImportError:  # offsider[fast] is optional
    pack_command = None

Argument = str | int | float | bytes

_PIECE = 65_536  # bytes
_PLAIN = b":*$_"  # how a number, a list, bytes and nothing begin
_NOT_YET: Any = object()
MOST_HOPS = 5  # from node to node of a cluster, for one request


class Wire:
    """One connection, for one thread at a time. Any doubt drops it; the next use connects anew."""

    def __init__(
        self,
        pool: redis.ConnectionPool,
        name: str,
        revive: Callable[[], None] | None = None,
        discovery: Discovery | None = None,
    ) -> None:
        self.name = name
        self.within_s: float | None = None  # for a connection that is made from now on: less than is usual
        self._revive = revive
        self._pool = pool
        self._discovery = discovery
        self._connection: Any = None
        self._pid = os.getpid()
        self._closed = False
        self._keys: tuple[str, ...] = ()
        self._script: Script | None = None
        self._head = b""
        self._to: Address | None = None  # a node of a cluster, for a wire of one request

    def run(self, script: Script, keys: Sequence[str], arguments: list[Argument]) -> Any:
        """Run a script, once. Keys that are a tuple are those of many requests: they are packed once.

        Raises:
            RedisUnavailable: No answer: it may have run.
            RedisRefused: A clear no.
        """
        self.send(script, keys, arguments)
        return self.receive(script, keys, arguments)

    def send(self, script: Script, keys: Sequence[str], arguments: list[Argument]) -> None:
        """Begin to run a script, once: `receive` has its reply, and is the next that is asked of this wire.

        Raises:
            RedisUnavailable: It may have been sent.
        """
        connection = None
        try:
            connection = self._connected()
            if type(keys) is tuple and pack_command is not None:
                self._send_packed(connection, script, keys, arguments)
            else:
                _send(connection, ("EVALSHA", script.sha, len(keys), *keys, *arguments))
        except BaseException as error:
            self._give_up(error, asked=connection is not None)
            raise

    def _send_packed(self, connection: Any, script: Script, keys: tuple[str, ...], arguments: list[Argument]) -> None:
        """A command is its number of words, then the words: those that stay the same are packed once."""
        if keys is not self._keys or script is not self._script:
            packed: bytes = pack_command(("EVALSHA", script.sha, len(keys), *keys))
            self._keys, self._script, self._head = keys, script, packed.partition(b"\r\n")[2]
        tail: bytes = pack_command(tuple(arguments))
        words = b"*%d\r\n" % (3 + len(keys) + len(arguments))
        connection.send_packed_command([words + self._head + tail[tail.index(b"\n") + 1 :]], check_health=False)

    def receive(self, script: Script, keys: Sequence[str], arguments: list[Argument]) -> Any:
        """The reply of what was sent; raises like `run`."""
        try:
            return self._read(self._connection)
        except redis.ResponseError as error:
            words = ("EVAL", script.text, len(keys), *keys, *arguments)
            if classify(error) is not Trouble.NOSCRIPT:
                return self._elsewhere(error, words)
        return self.command(*words)

    def command(self, *words: Argument) -> Any:
        """Run a command, once; raises like `run`."""
        try:
            return self._ask(*words)
        except redis.ResponseError as error:
            return self._elsewhere(error, words)

    def follow(self, *words: Argument) -> Any:
        """Run a command on the very connection of the last request; raises like `run`, also when that one is gone."""
        if self._connection is None:
            raise RedisUnavailable(f"the connection {self.name!r} is gone")
        return self.command(*words)

    def _elsewhere(self, error: redis.ResponseError, words: tuple[Argument, ...]) -> Any:
        """Ask whom a cluster's node sends us to, which has done nothing; raise our own error for any other one."""
        for _hop in range(MOST_HOPS):
            found = redirect(error)
            if found is None or self._discovery is None:
                raise self._told(error) from error
            try:
                return self._ask_once(found, words) if found.asking else self._follow(found, words)
            except redis.ResponseError as another:
                error = another
        raise _wandering(error) from error

    def _follow(self, found: Redirect, words: tuple[Argument, ...]) -> Any:
        assert self._discovery is not None
        self._discovery.moved(found.address)
        self.drop()
        return self._ask(*words)

    def _ask_once(self, found: Redirect, words: tuple[Argument, ...]) -> Any:
        """On a connection for this one request: the slot is on its way, the next key may still be here."""
        guest = Wire(self._pool, self.name, self._revive)
        guest.within_s = self.within_s
        guest._to = found.address
        try:
            guest._ask("ASKING")
            return guest._ask(*words)
        finally:
            guest.close()

    def abort(self) -> None:
        """Make a call that waits in another thread end now, with an error."""
        connection = self._connection
        sock = getattr(connection, "_sock", None)
        if sock is not None:
            try:
                sock.shutdown(2)
            except OSError:
                return  # closed already: that is what was wanted

    def close(self) -> None:
        """Drop the connection for good."""
        self._closed = True
        self.abort()
        self.drop()

    def relax(self) -> None:
        """All is well: a connection that was made in haste, with short timeouts, is not kept."""
        if self.within_s is not None:
            self.within_s = None
            self.drop()

    def drop(self) -> None:
        """Drop the connection; the next use opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()

    def _ask(self, *words: Argument) -> Any:
        connection = None
        try:
            connection = self._connected()
            _send(connection, words)
        except BaseException as error:
            self._give_up(error, asked=connection is not None)
            raise
        return self._read(connection)

    def _connected(self) -> Any:
        if self._pid != os.getpid():  # forked: the socket is the parent's
            self._pid, self._connection = os.getpid(), None
        return self._connection or self._connect()

    def _read(self, connection: Any) -> Any:
        if connection is None:
            raise RedisUnavailable(f"the connection {self.name!r} is gone")
        try:
            reply = _receive(connection)
            return connection.read_response() if reply is _NOT_YET else reply
        except redis.ResponseError as error:
            if classify(error) is Trouble.AWAY:
                self.drop()
            raise
        except BaseException as error:
            self._give_up(error)
            raise

    def _give_up(self, error: BaseException, *, asked: bool = True) -> None:
        """Drop the connection, and raise our own error for this one where there is one."""
        self.drop()
        ours = as_store_error(error) or (self._left(error) if self._closed else None)
        if ours is not None:
            _asked(ours, asked)
            raise ours from error

    def _left(self, error: BaseException) -> RedisUnavailable | None:
        """What a call meets whose connection another thread has closed under it, in redis-py's many words."""
        return RedisUnavailable(f"the connection {self.name!r} is closed") if isinstance(error, Exception) else None

    def _connect(self) -> Any:
        if self._closed:
            raise RedisUnavailable(f"the connection {self.name!r} is closed")
        try:
            return self._connect_once()
        except (redis.ConnectionError, OSError):
            if self._revive is None:
                raise
        self._revive()
        return self._connect_once()

    def _connect_once(self) -> Any:
        connection: Any = self._pool.make_connection()
        if self._to is not None:
            connection.discovery = Fixed(self._to)
        _hasten(connection, self.within_s)
        connection.connect()
        self._connection = connection
        if self._closed:  # meanwhile, by another thread, which found nothing to close
            self.drop()
            raise RedisUnavailable(f"the connection {self.name!r} is closed")
        return connection

    @staticmethod
    def _told(error: BaseException) -> BaseException:
        return _asked(as_store_error(error), False) or error


class AsyncWire:
    """`Wire` for one event loop. A cancelled call drops the connection: its reply may still come."""

    def __init__(
        self,
        pool: redis.asyncio.ConnectionPool,
        name: str,
        revive: Callable[[], None] | None = None,
        discovery: Discovery | None = None,
    ) -> None:
        self.name = name
        self.within_s: float | None = None  # for a connection that is made from now on: less than is usual
        self._revive = revive
        self._discovery = discovery
        self._make: Any = pool.make_connection
        self._connection: Any = None

    async def run(self, script: Script, keys: list[str], arguments: list[Argument]) -> Any:
        """Run a script, once; raises like `Wire.run`."""
        try:
            return await self._ask("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except redis.ResponseError as error:
            words = ("EVAL", script.text, len(keys), *keys, *arguments)
            if classify(error) is not Trouble.NOSCRIPT:
                return await self._elsewhere(error, words)
        return await self.command(*words)

    async def command(self, *words: Argument) -> Any:
        """Run a command, once."""
        try:
            return await self._ask(*words)
        except redis.ResponseError as error:
            return await self._elsewhere(error, words)

    async def follow(self, *words: Argument) -> Any:
        """Run a command on the very connection of the last request; raises like `run`, also when that one is gone."""
        if self._connection is None:
            raise RedisUnavailable(f"the connection {self.name!r} is gone")
        return await self.command(*words)

    async def _elsewhere(self, error: redis.ResponseError, words: tuple[Argument, ...]) -> Any:
        """As `Wire` does it; while the slot is on its way our caller waits, and comes again."""
        for _hop in range(MOST_HOPS):
            found = redirect(error)
            if found is None or self._discovery is None:
                raise (_asked(as_store_error(error), False) or error) from error
            if found.asking:
                break
            self._discovery.moved(found.address)
            await self._drop()
            try:
                return await self._ask(*words)
            except redis.ResponseError as another:
                error = another
        raise _wandering(error) from error

    async def relax(self) -> None:
        """All is well: a connection that was made in haste, with short timeouts, is not kept."""
        if self.within_s is not None:
            self.within_s = None
            await self._drop()

    async def close(self) -> None:
        """Drop the connection, and wait until it is gone: its loop may be about to end."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect()

    async def _ask(self, *words: Argument) -> Any:
        asked = False
        try:
            if self._connection is None:
                await self._connect()
            asked = True
            await self._send(words)
            return await self._connection.read_response()
        except redis.ResponseError as error:
            if classify(error) is Trouble.AWAY:
                await self._drop()
            raise
        except BaseException as error:
            await self._drop()
            ours = _asked(as_store_error(error), asked)
            if ours is None:
                raise
            raise ours from error

    async def _send(self, words: tuple[Argument, ...]) -> None:
        task = asyncio.current_task()
        cancelled = 0 if task is None else task.cancelling()
        await self._connection.send_command(*words, check_health=False)
        # asyncio.wait_for of Python 3.11, which redis-py sends with, swallows a cancellation that comes at its end.
        if task is not None and task.cancelling() > cancelled:
            raise asyncio.CancelledError

    async def _connect(self) -> None:
        try:
            await self._connect_once()
        except (redis.ConnectionError, OSError):
            if self._revive is None:
                raise
            await asyncio.to_thread(self._revive)
            await self._connect_once()

    async def _connect_once(self) -> None:
        connection = self._make()
        _hasten(connection, self.within_s)
        await connection.connect()
        self._connection = connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)


def _asked(error: StoreError | None, asked: bool) -> StoreError | None:
    """An error that knows whether Redis may have done it: not what was never sent, nor what it answered no to."""
    if isinstance(error, RedisUnavailable):
        error.asked = asked
    return error


def _wandering(error: BaseException) -> RedisUnavailable:
    return RedisUnavailable(f"the namespace is being moved to another node of the cluster ({error}); nothing was done")


def _send(connection: Any, words: tuple[Argument, ...]) -> None:
    """Our words are text, bytes and numbers: they need none of redis-py's looks at each of them."""
    packed = connection.pack_command(*words) if pack_command is None else [pack_command(words)]
    connection.send_packed_command(packed, check_health=False)


def _receive(connection: Any) -> Any:
    """A plain reply that comes in one piece, read past redis-py; else `_NOT_YET`: what came is still in its reader.

    It halves what a reply costs. Errors, long replies and the news of a server are for redis-py to see.
    """
    reader = getattr(connection._parser, "_reader", None)
    if reader is None or reader.has_data():
        return _NOT_YET
    try:
        piece = connection._sock.recv(_PIECE)
    except TimeoutError:
        raise redis.TimeoutError(f"no answer within {connection.socket_timeout:g} s") from None
    if not piece:
        return _NOT_YET
    reader.feed(piece)
    reply = reader.gets() if piece[0] in _PLAIN else _NOT_YET
    return _NOT_YET if type(reply) is object else reply  # what redis-py's readers give for a part of a reply


def _hasten(connection: Any, within_s: float | None) -> None:
    if within_s is not None:
        connection.socket_timeout = min(connection.socket_timeout, within_s)
        if hasattr(connection, "socket_connect_timeout"):  # a unix socket has none
            connection.socket_connect_timeout = min(connection.socket_connect_timeout, within_s)
