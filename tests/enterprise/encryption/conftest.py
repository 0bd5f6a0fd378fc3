"""Apps with keys, and a bench for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.worker.worker import Worker
from support.bench import Bench
from support.keys import put_keys

Make = Callable[..., App]


@pytest.fixture
def make_keyed(make_enterprise: Make, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Apps of the edition with keys of these names, the first one active; more settings of encryption by name.

    Nothing here dies: no second process is needed to see it.
    """

    def make(*names: str, settings: dict[str, Any] | None = None, **more: Any) -> App:
        encryption = {"keys": put_keys(monkeypatch, *names), **(settings or {})}
        enterprise = {"encryption": encryption, "leader": False}
        return make_enterprise(enterprise=enterprise, pro={"reliable_fetch": False, "run_alone": False}, **more)

    return make


@pytest.fixture
def keyed(make_keyed: Make) -> App:
    """One with the key ``new``."""
    return make_keyed("new")


@pytest.fixture
def bench(keyed: App, raw: Any, start_worker: Callable[..., Worker]) -> Bench:
    """A bench for it."""
    return Bench(keyed, raw, start_worker)
