"""Fixtures for the crontab: workers that look all the time, and a bench that puts entries back to an old instant."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from offsider import App
from offsider_enterprise.cron import Crontab
from offsider_enterprise.keys import EnterpriseKeys

DAY_S = 86_400
YEARS_S = 30 * 365 * DAY_S
YEARLY = "0 0 1 1 *"
MONTHLY = "0 0 1 * *"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers look twenty times a second, and leave nothing to the leader."""
    for name, value in {"LOOK_EVERY_S": 0.05, "LEADER_LOOKS_EVERY_S": 0.05, "LAG_S": 0.0}.items():
        monkeypatch.setattr(f"offsider_enterprise.cron.service.{name}", value)


def new_year(back: int = 0) -> int:
    """The last new year, UTC, or one before it."""
    return int(datetime(datetime.now(UTC).year - back, 1, 1, tzinfo=UTC).timestamp())


def month(back: int = 0) -> int:
    """The first of this month, UTC, or of one before it."""
    now = datetime.now(UTC)
    months = now.year * 12 + now.month - 1 - back
    return int(datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp())


class CronBench:
    """A crontab and what lies in Redis.

    A test does not wait for a minute: an entry that comes once a year is put back to when it was due, and what was
    missed is made up for.
    """

    def __init__(self, app: App, raw: Any) -> None:
        self.app = app
        self.raw = raw
        self.keys = EnterpriseKeys(app.keys)

    @property
    def crontab(self) -> Crontab:
        """The crontab."""
        return Crontab(self.app)

    def put_back(self, name: str, due_s: float) -> None:
        """It is due since then."""
        self.raw.zadd(self.keys.cron_due, {name: due_s})

    def due_s(self, name: str) -> float | None:
        """When it is due."""
        score = self.raw.zscore(self.keys.cron_due, name)
        return None if score is None else float(score)

    def enqueued(self, queue: str = "cron") -> list[dict[str, Any]]:
        """Jobs that wait, the oldest first."""
        return [json.loads(one) for one in self.raw.lrange(self.app.keys.queue(queue), 0, -1)[::-1]]

    def whats(self, name: str) -> list[str]:
        """What became of its runs, the newest first."""
        return [run.what for run in self.crontab.history(name)]


@pytest.fixture
def make_bench(make_enterprise: Callable[..., App], raw: Any) -> Callable[..., CronBench]:
    """Benches, each with an app that has the job ``report`` in the queue ``cron``, from which no worker takes."""

    def make(url: str | None = None, **settings: Any) -> CronBench:
        app = make_enterprise(url, **settings)
        app.job(name="report", queue="cron")(lambda what="x", *, kind="daily": None)
        return CronBench(app, raw)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., CronBench]) -> CronBench:
    """One of them."""
    return make_bench()
