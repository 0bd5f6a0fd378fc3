"""A vendor for tests: a folder, a signing key, customers, and a real index on a port of its own."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn

from offsider_issuer.database import opened
from offsider_issuer.folder import Folder
from offsider_issuer.index import Rates, make_app
from offsider_issuer.keys import SigningKey, create
from offsider_issuer.ledger import Issued, Ledger
from offsider_issuer.shelf import Shelf
from offsider_issuer.terms import Terms, after, end_s, start_s

from .waiting import until

TODAY = date(2026, 11, 24)


@dataclass
class Clock:
    """A clock that tests set."""

    now_s: float = float(start_s(TODAY) + 36_000)

    def __call__(self) -> float:
        """The time."""
        return self.now_s


@dataclass(frozen=True)
class Reply:
    """What a server has said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8")

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Vendor:
    """One vendor."""

    folder: Folder
    key: SigningKey
    clock: Clock = field(default_factory=Clock)

    @classmethod
    def at(cls, path: Path) -> Vendor:
        """A vendor in a new folder."""
        folder = Folder(path).made()
        vendor = cls(folder, create(folder, "2026-test"))
        with opened(folder.ledger, create=True):
            return vendor

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger, open."""
        with opened(self.folder.ledger) as connection:
            yield Ledger(connection, self.clock)

    def publish(self, *wheels: Path) -> None:
        """Put wheels into the index."""
        with opened(self.folder.ledger) as connection:
            for path in wheels:
                Shelf(connection, self.folder, self.clock).publish(path)

    def sell(self, edition: str, ends: date | None = None, **terms: Any) -> Issued:
        """A licence for a new customer."""
        with self.ledger() as ledger:
            given = Terms(edition, ends or after(TODAY, "1y"), **terms)
            return ledger.issue(f"Customer of {edition}", given, self.key)

    def travel_past(self, day: date) -> None:
        """Let a day be over."""
        self.clock.now_s = end_s(day) + 1

    @contextmanager
    def index(self, rates: Rates | None = None, monotonic_s: Any = None) -> Iterator[Site]:
        """The index, served."""
        app = make_app(self.folder, rates, self.clock, monotonic_s or (lambda: 0.0))
        with socket.create_server(("127.0.0.1", 0)) as listening:
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            try:
                until(lambda: server.started or not thread.is_alive(), what="the index listens")
                yield Site(listening.getsockname()[1])
            finally:
                server.should_exit = True
                thread.join(10)


@dataclass(frozen=True)
class Site:
    """A served index."""

    port: int

    def url(self, issued: Issued | None = None) -> str:
        """Its URL, with a customer's credentials in it."""
        who = f"{issued.license.key_id}:{issued.index_key}@" if issued else ""
        return f"http://{who}127.0.0.1:{self.port}/simple/"

    def get(
        self, path: str, issued: Issued | None = None, *, auth: str | bytes | None = None, accept: str | None = None,
        method: str = "GET",
    ) -> Reply:  # fmt: skip
        """Ask for something."""
        headers: dict[str, str | bytes] = {}
        if issued is not None:
            auth = basic(issued.license.key_id, issued.index_key)
        if auth is not None:
            headers["Authorization"] = auth
        if accept is not None:
            headers["Accept"] = accept
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, headers=headers)  # type: ignore[arg-type]
            reply = connection.getresponse()
            return Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def send(self, raw: bytes) -> bytes:
        """Send bytes as they are; the first line of the reply."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(raw)
            return connection.makefile("rb").readline()


def basic(name: str, password: str) -> str:
    """An Authorization header."""
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode('ascii')}"
