"""A worker that starts says what endangers jobs, and refuses a server that is too old."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from offsider import App
from offsider.errors import UnsupportedServer
from offsider.store.inspect import ServerFacts
from offsider.worker import startup
from offsider.worker.worker import Worker
from support.server import Server

GOOD = ServerFacts(
    product="redis",
    version=(7, 2, 4),
    eviction="noeviction",
    max_bytes=0,
    appends=True,
    snapshots=True,
    role="master",
    skew_s=0.01,
)


def said(**changes: object) -> list[str]:
    return list(startup.warnings(dataclasses.replace(GOOD, **changes)))  # type: ignore[arg-type]


def test_a_good_server_is_no_word_worth() -> None:
    assert said() == []


def test_eviction_is_told_with_the_remedy() -> None:
    (text,) = said(eviction="allkeys-lru")
    assert "'allkeys-lru'" in text
    assert "Set maxmemory-policy noeviction" in text


@pytest.mark.parametrize(
    ("appends", "snapshots", "consequence"),
    [(False, False, "all jobs are gone"), (False, True, "since the last snapshot is lost")],
)
def test_missing_persistence_is_told_with_its_consequence(appends: bool, snapshots: bool, consequence: str) -> None:
    (text,) = said(appends=appends, snapshots=snapshots)
    assert consequence in text
    assert "Set appendonly yes" in text


@pytest.mark.parametrize("skew_s", [-86_400.0, 7.5])
def test_a_clock_that_is_off_is_told_with_the_seconds(skew_s: float) -> None:
    (text,) = said(skew_s=skew_s)
    assert f"{skew_s:+.1f} s" in text
    assert "NTP" in text


def test_what_the_server_does_not_tell_is_unknown_not_fine() -> None:
    (text,) = said(version=None, eviction=None, appends=None, snapshots=None)
    assert "unknown" in text


def test_an_old_server_is_refused_by_its_version(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    old = dataclasses.replace(GOOD, version=(5, 0, 14))
    monkeypatch.setattr(startup, "inspect", lambda _client: old)
    with pytest.raises(UnsupportedServer, match=r"Redis 5\.0\.14; expected 6\.2 or newer"):
        startup.check_server(app.connections)


def test_a_worker_warns_when_it_starts(
    make_server: Callable[..., Server],
    make_app: Callable[..., App],
    start_worker: Callable[..., Worker],
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = make_server("--appendonly", "yes", "--maxmemory-policy", "allkeys-random")
    with caplog.at_level("WARNING", "offsider.worker"):
        start_worker(make_app(server.url))
    assert [record.getMessage() for record in caplog.records if "'allkeys-random'" in record.getMessage()]
