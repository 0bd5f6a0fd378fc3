"""Fixtures for Enterprise: apps with the edition, whose leaders have leases of a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider_enterprise import EnterpriseEdition
from offsider_pro import ProEdition


@pytest.fixture
def make_enterprise(make_app: Callable[..., App]) -> Callable[..., App]:
    """Apps with the edition, on the empty server."""

    def make(url: str | None = None, **settings: Any) -> App:
        enterprise = {"leader_lease_s": 1.5, **settings.pop("enterprise", {})}
        pro = {"reliable_fetch": False, **settings.pop("pro", {})}  # else each worker has a process more
        editions = [ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")]
        return make_app(url, editions=editions, enterprise=enterprise, pro=pro, **settings)

    return make


@pytest.fixture
def enterprise(make_enterprise: Callable[..., App]) -> App:
    """One such app."""
    return make_enterprise()
