"""A proxy before Redis that loses replies and cuts connections: how a test proves what happens then."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

CHUNK = 65_536
CONNECT_S = 5.0

Pair = tuple[socket.socket, socket.socket]


class Proxy:
    """Passes bytes between clients and one Redis, on a free port of loopback.

    * `lose_reply`: Redis does what it is asked next, and the answer never arrives;
    * `hold_request` and `deliver`: a request that is lost for its sender, and arrives late;
    * `cut` and `mend`: an outage, as the client sees it.

    Args:
        url: The Redis behind it: ``redis://`` or ``unix://``.

    Example:
        >>> proxy = Proxy("redis://:secret@localhost:6379/2")
        >>> proxy.url.startswith("redis://:secret@127.0.0.1:"), proxy.url.endswith("/2")
        (True, True)
        >>> proxy.close()
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: dict[Pair, int] = {}  # a pair of sockets → how many directions still flow
        self._lock = threading.Lock()
        self._losses = 0
        self._holds = False
        self._held: tuple[Pair, bytes] | None = None
        self._late: Pair | None = None
        self._late_was_done = threading.Event()
        self._is_cut = False
        self.lost = 0
        threading.Thread(target=self._accept, name="offsider-proxy", daemon=True).start()

    @property
    def url(self) -> str:
        """Redis through this proxy."""
        place = f"127.0.0.1:{self._listener.getsockname()[1]}"
        if self._target.scheme == "unix":
            return f"redis://{place}/0"
        credentials, at, _host = self._target.netloc.rpartition("@")
        return urlunsplit(self._target._replace(netloc=f"{credentials}{at}{place}"))

    def lose_reply(self, count: int = 1) -> None:
        """Lose the next ``count`` replies, and each time the connection with them; `lost` counts them."""
        with self._lock:
            self._losses += count

    def hold_request(self) -> None:
        """Keep the next request back and cut its sender off."""
        with self._lock:
            self._holds = True

    def deliver(self, timeout_s: float = 10.0) -> None:
        """Give Redis the request that was held back, and wait until it was done.

        Raises:
            RuntimeError: None was held back, or Redis does not answer.
        """
        with self._lock:
            held, self._held = self._held, None
            if held is None:
                raise RuntimeError("no request was held back: call hold_request() before it is sent")
            self._late, data = held
            self._late_was_done.clear()
        self._late[1].sendall(data)
        if not self._late_was_done.wait(timeout_s):
            raise RuntimeError(f"Redis has not answered a late request within {timeout_s:g} s")

    def cut(self) -> None:
        """Drop every connection, and each new one at once, until `mend`."""
        with self._lock:
            self._is_cut = True
            pairs = list(self._pairs)
        for pair in pairs:
            _stop(pair)

    def mend(self) -> None:
        """Let connections live again."""
        with self._lock:
            self._is_cut = False

    def close(self) -> None:
        """Drop everything; tolerates twice."""
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            try:
                pair = (client, self._connect())
            except OSError:
                client.close()
                continue
            with self._lock:
                refused = self._is_cut
                if not refused:
                    self._pairs[pair] = 2
            if refused:
                _close(pair)
                continue
            threading.Thread(target=self._pass_on, args=(pair, False), name="offsider-proxy-to", daemon=True).start()
            threading.Thread(target=self._pass_on, args=(pair, True), name="offsider-proxy-from", daemon=True).start()

    def _connect(self) -> socket.socket:
        if self._target.scheme == "unix":
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target.path)
            return server
        place = (self._target.hostname or "127.0.0.1", self._target.port or 6379)
        server = socket.create_connection(place, CONNECT_S)
        server.settimeout(None)
        return server

    def _pass_on(self, pair: Pair, from_server: bool) -> None:
        client, server = pair
        source, sink = (server, client) if from_server else (client, server)
        look = self._look_at_reply if from_server else self._look_at_request
        with contextlib.suppress(OSError):
            while (data := source.recv(CHUNK)) and look(pair, data):
                sink.sendall(data)
        is_held = self._held is not None and self._held[0] is pair and not from_server
        _stop((client,) if is_held else pair)
        with self._lock:
            self._pairs[pair] -= 1
            if self._pairs[pair]:
                return  # the other direction still looks at its socket
            del self._pairs[pair]
        _close(pair)

    def _look_at_request(self, pair: Pair, data: bytes) -> bool:
        """False when it is not passed on."""
        with self._lock:
            if not self._holds:
                return True
            self._holds = False
            self._held = (pair, data)
            return False

    def _look_at_reply(self, pair: Pair, _data: bytes) -> bool:
        """False when it is not passed on."""
        if pair is self._late:
            self._late_was_done.set()
            return False
        with self._lock:
            if not self._losses:
                return True
            self._losses -= 1
            self.lost += 1
            return False


def _stop(sockets: Iterable[socket.socket]) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _close(pair: Pair) -> None:
    for one in pair:
        one.close()
