"""A Django project for the tests of this folder: one in each test process."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from offsider import App
from support.django_site import make_site, site_jobs
from support.server import Server

FAST = {"lease_s": 4.0, "beat_s": 0.2, "shutdown_timeout_s": 5.0}


@pytest.fixture(scope="session")
def site(server: Server, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The project's module of jobs."""
    pytest.importorskip("django")
    make_site(tmp_path_factory.mktemp("site"), server.url, worker={**FAST, "queues": ["default", "site"]})
    return site_jobs()


@pytest.fixture
def jobs(site: ModuleType, redis_url: str) -> Iterator[ModuleType]:
    """The same, with nothing enqueued, written or run."""
    from django.db import connection

    from offsider.integrations.django.outbox.models import OutboxJob

    OutboxJob.objects.all().delete()
    site.ran.clear()
    yield site
    connection.close()


@pytest.fixture
def app(jobs: ModuleType) -> Iterator[App]:
    """The project's app."""
    found: Any = jobs.app
    yield found
    found.close()
