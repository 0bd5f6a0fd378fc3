"""A proxy before Redis that reads every request, and does to chosen ones what networks do.

It knows scripts by their file's name, so that a test says "the third exchange" and means it.
"""

from __future__ import annotations

import contextlib
import hashlib
import select
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from offsider.store.scripts import all_scripts

from . import resp

CHUNK = 65_536
NAMES = {script.sha: script.name for script in all_scripts()}


class Act(Enum):
    """What happens to a request."""

    CUT = "cut"  # it never reaches Redis; the connection ends
    LOSE = "lose"  # Redis does it; the answer never arrives, the connection ends
    TEAR = "tear"  # Redis does it; half of the answer arrives, the connection ends
    RESET = "reset"  # like LOSE, with a reset instead of an end
    HANG = "hang"  # it never reaches Redis; the connection stays open and is silent: half-open
    MUTE = "mute"  # Redis does it; the connection stays open and is silent
    LATE = "late"  # Redis does it; the answer arrives after `Fault.seconds`
    STRAGGLE = "straggle"  # the connection ends; the request reaches Redis after `Fault.seconds`, or at `Fault.release`


@dataclass(frozen=True)
class Request:
    """One request, as it comes to the proxy.

    Attributes:
        name: The script's, or the command in capitals.
        nth: How many of this name there have been, with this one; over all connections.
        number: How many requests there have been, with this one.
        connection: The number of its connection.
        words: All of it.
    """

    name: str
    nth: int
    number: int
    connection: int
    words: tuple[bytes, ...]


When = Callable[[Request], bool]


def nth(name: str, *numbers: int) -> When:
    """True for these requests of a name; for all of them when no number is given."""
    return lambda request: request.name == name and (not numbers or request.nth in numbers)


def number(wanted: int) -> When:
    """True for the n-th request of all."""
    return lambda request: request.number == wanted


class Fault:
    """What is to be done to which requests.

    Args:
        when: Which.
        act: What.
        times: To how many of them; None for all.
        then: Called in between: before a CUT, or after Redis has answered and before the answer is lost.
        seconds: For LATE and STRAGGLE.
    """

    def __init__(
        self,
        when: When,
        act: Act,
        *,
        times: int | None = 1,
        then: Callable[[Request], object] | None = None,
        seconds: float = 0.0,
    ) -> None:
        self.when = when
        self.act = act
        self.then = then
        self.seconds = seconds
        self.done = threading.Event()  # it has happened at least once
        self.release = threading.Event()
        self.hit: list[Request] = []
        self.straggled = 0  # how many requests have reached Redis after their time
        self._times = times

    def takes(self, request: Request) -> bool:
        """True when it is this fault's turn; counts it."""
        if (self._times is not None and len(self.hit) >= self._times) or not self.when(request):
            return False
        self.hit.append(request)
        return True


class FaultyProxy:
    """Passes requests on to one Redis, one at a time on each connection.

    * `add` a `Fault`, remove all with `heal`;
    * `refuse` closes the door and ends every connection, `accept` opens the door on the same port;
    * ``seen`` holds the name of every request in order, ``counts`` how many of each.
    """

    def __init__(self, port: int) -> None:
        self.target_port = port
        self._target = ("127.0.0.1", port)
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._closed = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._connections = 0
        self.seen: list[str] = []
        self.counts: Counter[str] = Counter()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._listen()

    @classmethod
    def before(cls, url: str) -> FaultyProxy:
        """A proxy before the Redis of a URL."""
        return cls(urlsplit(url).port or 6379)

    # -- from the test ---------------------------------------------------------------------------------------

    def add(self, fault: Fault) -> Fault:
        """Have a fault from now on."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def fault(self, when: When, act: Act, *, times: int | None = 1, seconds: float = 0.0) -> Fault:
        """`add` one made of these."""
        return self.add(Fault(when, act, times=times, seconds=seconds))

    def heal(self) -> None:
        """Have no fault any more; what straggles arrives now."""
        with self._lock:
            for fault in self._faults:
                fault.release.set()
            self._faults.clear()

    def refuse(self) -> None:
        """Refuse connections, and end those that there are."""
        self._listener.close()
        self.cut_all()

    def accept(self) -> None:
        """Accept connections again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listen()

    def cut_all(self) -> None:
        """End every connection."""
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            _end(one)

    def close(self) -> None:
        """End everything; tolerates twice."""
        self._closed.set()
        with self._lock:
            for fault in self._faults:
                fault.release.set()
        self.refuse()

    # -- connections -----------------------------------------------------------------------------------------

    def _listen(self) -> None:
        self._listener.settimeout(0.1)  # a close() does not wake an accept()
        threading.Thread(target=self._accept, args=(self._listener,), name="proxy", daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _address = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            client.settimeout(None)
            with self._lock:
                self._connections += 1
                link = _Link(self, self._connections, client, self._target)
                self._sockets.add(client)
            threading.Thread(target=link.run, name=f"proxy-{link.number}", daemon=True).start()

    def _arrived(self, connection: int, raw: bytes) -> tuple[Request, Fault | None]:
        words = resp.words_of(raw)
        with self._lock:
            name = _name(words)
            self.seen.append(name)
            self.counts[name] += 1
            request = Request(name, self.counts[name], len(self.seen), connection, tuple(words))
            return request, next((fault for fault in self._faults if fault.takes(request)), None)

    def _gone(self, client: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(client)


class _End(Exception):
    """This connection is over."""


class _Link:
    """One client's connection and the one to Redis behind it."""

    def __init__(self, proxy: FaultyProxy, number: int, client: socket.socket, target: tuple[str, int]) -> None:
        self.number = number
        self._proxy = proxy
        self._client = client
        self._target = target
        self._server: socket.socket | None = None
        self._from_client = bytearray()
        self._from_server = bytearray()

    def run(self) -> None:
        """Until one side ends."""
        try:
            self._server = socket.create_connection(self._target)
            for one in (self._client, self._server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                self._pass_on(self._next_request())
        except (OSError, _End, ValueError):
            return  # ValueError: a socket that was closed under a select
        finally:
            self._proxy._gone(self._client)
            for one in (self._client, self._server):
                if one is not None:
                    one.close()

    def _pass_on(self, raw: bytes) -> None:
        request, fault = self._proxy._arrived(self.number, raw)
        if fault is None:
            self._send(raw)
            self._client.sendall(self._reply())
            return
        if fault.act in (Act.LOSE, Act.TEAR, Act.RESET, Act.MUTE, Act.LATE):
            self._send(raw)
            reply = self._reply()
        if fault.then is not None:
            fault.then(request)
        fault.done.set()
        if fault.act is Act.LATE:
            self._proxy._closed.wait(fault.seconds)
            self._client.sendall(reply)
            return
        if fault.act is Act.TEAR:
            self._client.sendall(reply[: len(reply) // 2])
        elif fault.act is Act.RESET:
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault.act in (Act.HANG, Act.MUTE):
            self._be_silent()
        elif fault.act is Act.STRAGGLE:
            self._client.close()
            fault.release.wait(fault.seconds or None)
            if not self._proxy._closed.is_set():  # a test that is over must not be heard of in the next one
                self._send(raw)
                self._reply()
                fault.straggled += 1
        raise _End

    def _next_request(self) -> bytes:
        while (end := resp.end_of(self._from_client)) < 0:
            self._read()
        return _taken(self._from_client, end)

    def _reply(self) -> bytes:
        while True:
            while (end := resp.end_of(self._from_server)) < 0:
                self._read()
            message = _taken(self._from_server, end)
            if not resp.is_push(message):
                return message
            self._client.sendall(message)

    def _send(self, raw: bytes) -> None:
        assert self._server is not None
        self._server.sendall(raw)

    def _read(self) -> None:
        """Wait for either side; the end of one is the end of both."""
        assert self._server is not None
        sides = [(self._client, self._from_client), (self._server, self._from_server)]
        readable = _readable([side for side, _ in sides if side.fileno() >= 0], None)
        for side, buffer in sides:
            if side in readable:
                data = side.recv(CHUNK)
                if not data:
                    raise _End
                buffer += data

    def _be_silent(self) -> None:
        """Until the client gives up or the proxy ends."""
        while not self._proxy._closed.is_set():
            if _readable([self._client], 0.1) and not self._client.recv(CHUNK):
                return


def _readable(sides: list[socket.socket], timeout_s: float | None) -> list[socket.socket]:
    """Those that have something to read, or have ended. Not by select(), which takes no number over 1,023."""
    poll = select.poll()
    for side in sides:
        poll.register(side, select.POLLIN)
    ready = {number for number, _event in poll.poll(None if timeout_s is None else timeout_s * 1000)}
    return [side for side in sides if side.fileno() in ready]


def _name(words: list[bytes]) -> str:
    command = words[0].decode().upper()
    if command == "EVALSHA":
        return NAMES.get(words[1].decode(), command)
    if command == "EVAL":
        return NAMES.get(hashlib.sha1(words[1], usedforsecurity=False).hexdigest(), command)
    return command


def _taken(buffer: bytearray, end: int) -> bytes:
    message = bytes(buffer[:end])
    del buffer[:end]
    return message


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
