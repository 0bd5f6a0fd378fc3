"""The way to a statsd server: addresses, Datadog's own client on a real socket, clients that fail."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from offsider.errors import InvalidSetting
from offsider_pro.statsd import Statsd, connect, parse_address


class Ear:
    """A UDP socket of loopback that hears metrics."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)
        self.port = self.socket.getsockname()[1]

    def lines(self, count: int) -> list[str]:
        """So many metrics, sorted."""
        heard: list[str] = []
        while len(heard) < count:
            heard += self.socket.recv(65_536).decode().splitlines()
        return sorted(heard)


@pytest.fixture
def ear() -> Iterator[Ear]:
    one = Ear()
    yield one
    one.socket.close()


class Plain:
    """A client without tags, as the package statsd has it."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []

    def incr(self, stat: str, count: int = 1, rate: float = 1) -> None:
        self.said.append(("incr", stat, count))

    def timing(self, stat: str, delta: float, rate: float = 1) -> None:
        self.said.append(("timing", stat, delta))


class Broken:
    """A client that always fails."""

    def increment(self, metric: str, value: float = 1, tags: list[str] | None = None) -> None:
        raise OSError("no route to host")

    timing = distribution = increment


def made(client: Any, **settings: Any) -> Statsd:
    """A sink with a client."""
    sink = Statsd()
    sink.use(client, **settings)
    return sink


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("127.0.0.1:8125", {"host": "127.0.0.1", "port": 8125}),
        ("metrics.local", {"host": "metrics.local", "port": 8125}),
        ("[::1]:9125", {"host": "::1", "port": 9125}),
        ("[::1]", {"host": "::1", "port": 8125}),
        ("unix:/run/dsd.sock", {"socket_path": "/run/dsd.sock"}),
    ],
)
def test_an_address_is_taken(text: str, arguments: dict[str, Any]) -> None:
    assert parse_address(text) == arguments


@pytest.mark.parametrize("text", ["", ":8125", "host:", "host:0", "host:70000", "host:port", "http://host:1", "unix:x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected host:port"):
        parse_address(text)


def test_a_wrong_address_is_an_error_of_the_settings(make_pro: Any) -> None:
    with pytest.raises(InvalidSetting, match=r"pro\.statsd"):
        make_pro(pro={"statsd": "host:port"})


def test_datadogs_client_sends_names_values_and_tags(ear: Ear) -> None:
    sink = made(connect(f"127.0.0.1:{ear.port}"), tags=["env:test"])
    sink.count("jobs.count", ["worker:a"])
    sink.count("jobs.recovered.fetch", [], 3)
    sink.time("jobs.perform", 12.5, ["worker:a"])
    sink.flush()
    lines = [line.partition("|c:")[0] for line in ear.lines(4)]
    assert lines == [
        "sidekiq.jobs.count:1|c|#env:test,worker:a",
        "sidekiq.jobs.perform:12.5|ms|#env:test,worker:a",
        "sidekiq.jobs.perform_dist:12.5|d|#env:test,worker:a",
        "sidekiq.jobs.recovered.fetch:3|c|#env:test",
    ]


def test_distributions_can_be_left_out(ear: Ear) -> None:
    sink = made(connect(f"127.0.0.1:{ear.port}"), prefix="", distributions=False)
    sink.time("jobs.perform", 1, [])
    sink.count("jobs.count", [])
    sink.flush()
    assert ear.lines(2) == ["jobs.count:1|c", "jobs.perform:1|ms"]


def test_the_client_of_the_package_statsd_gets_names_without_tags() -> None:
    client = Plain()
    sink = made(client, tags=["env:test"])
    sink.count("jobs.count", ["worker:a"])
    sink.time("jobs.perform", 12.5, ["worker:a"])
    sink.flush()
    assert client.said == [("incr", "sidekiq.jobs.count", 1), ("timing", "sidekiq.jobs.perform", 12.5)]


def test_the_real_package_statsd_is_taken(ear: Ear) -> None:
    real = pytest.importorskip("statsd")
    sink = made(real.StatsClient("127.0.0.1", ear.port))
    sink.count("jobs.count", ["worker:a"])
    assert ear.lines(1) == ["sidekiq.jobs.count:1|c"]


def test_a_client_that_fails_is_logged_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = made(Broken())
    for _ in range(50):
        sink.count("jobs.count", [])
        sink.time("jobs.perform", 1, [])
    assert [record.getMessage() for record in caplog.records] == [
        "metrics are lost, for a minute at least: OSError: no route to host"
    ]
    sink._quiet_until_s = 0.0
    sink.count("jobs.count", [])
    assert len(caplog.records) == 2


def test_what_is_no_client_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="expected a client with increment"):
        Statsd().use("127.0.0.1:8125")


def test_an_address_without_the_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datadog.dogstatsd", None)
    with pytest.raises(InvalidSetting, match=r"pip install 'offsider-pro\[statsd\]'"):
        connect("127.0.0.1:8125")


def test_without_a_client_it_is_silent() -> None:
    sink = Statsd()
    assert sink.silent
    sink.count("jobs.count", [])
    sink.time("jobs.perform", 1, [])
    sink.flush()
