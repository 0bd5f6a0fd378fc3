"""What systemd hears on a real datagram socket."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator

import pytest

from offsider.worker.systemd import Watchdog, notify, watchdog_s
from support.processes import Desk


@pytest.fixture
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A short path for a socket."""
    return str(tmp_path_factory.mktemp("s") / "n")


@contextlib.contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    """The socket that systemd has."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        sock.settimeout(20)
        yield sock


def test_a_state_is_one_datagram(address: str) -> None:
    with listening(address) as sock:
        assert notify("READY=1", {"NOTIFY_SOCKET": address})
        assert sock.recv(100) == b"READY=1"


def test_an_abstract_address_begins_with_an_at_sign() -> None:
    name = f"offsider-test-{os.getpid()}-{time.monotonic_ns()}"
    with listening(f"\0{name}") as sock:
        assert notify("STOPPING=1", {"NOTIFY_SOCKET": f"@{name}"})
        assert sock.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("env", [{}, {"NOTIFY_SOCKET": ""}])
def test_without_systemd_nothing_is_said(env: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    assert not notify("READY=1", env)
    assert caplog.records == []


@pytest.mark.parametrize("broken", ["/nowhere/at/all", "vsock:2:1234", "/" + "x" * 200, "a\0b"])
def test_a_broken_address_only_warns(broken: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not notify("READY=1", {"NOTIFY_SOCKET": broken})
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "systemd does not hear us at NOTIFY_SOCKET" in record.getMessage()


@pytest.mark.parametrize(("value", "expected"), [("10000000", 5.0), ("1000000", 0.5), ("", None), ("soon", None)])
def test_the_watchdog_is_called_twice_in_the_time_systemd_allows(value: str, expected: float | None) -> None:
    assert watchdog_s({"WATCHDOG_USEC": value}) == expected


def test_a_watchdog_of_less_than_a_second_is_refused_with_the_remedy(caplog: pytest.LogCaptureFixture) -> None:
    assert watchdog_s({"WATCHDOG_USEC": "999999"}) is None
    assert "WatchdogSec=10" in caplog.text
    assert watchdog_s({}) is None


def test_the_watchdog_is_silent_while_the_worker_is_not_healthy(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    health = [True, False, True]
    with listening(address) as sock:
        watchdog = Watchdog(lambda: health.pop(0), 0.5)
        assert [watchdog.tick() for _ in range(3)] == [0.5] * 3
        sock.setblocking(False)
        assert [sock.recv(100), sock.recv(100)] == [b"WATCHDOG=1"] * 2
        with pytest.raises(BlockingIOError):
            sock.recv(100)


def test_a_worker_says_ready_then_lives_and_says_when_it_stops(desk: Desk, address: str) -> None:
    desk.write("")
    with listening(address) as sock:
        worker = desk.worker(NOTIFY_SOCKET=address, WATCHDOG_USEC="1000000")
        heard = [sock.recv(100) for _ in range(3)]
        assert sorted(heard) == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
        worker.tell("TERM")
        while heard[-1] != b"STOPPING=1":
            heard.append(sock.recv(100))
        assert worker.end() == 0
