"""A third party's edition: it uses every door and every kind of seam, and nothing that is not documented."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import click

from offsider import App, OptionSpec
from offsider.config.model import Section
from offsider.contract.edition import Edition
from offsider.contract.middleware import ClientMiddleware, NextAsync, NextPush, NextSync, ServerMiddleware
from offsider.contract.setting_option import SettingOption
from offsider.contract.web import CHANGE, Assets, Locale, Notice, Page, Tab, Verdict
from offsider.contract.work import Fetcher, Settlement, UnitOfWork
from offsider.errors import InvalidOption
from offsider.job.push import PushRequest
from offsider.store.scripts import Script
from offsider.web.catalogue import read as read_locale

ACME_PAGES = Path(__file__).parent / "acme_pages"
BLOCKED = "Blocked: %(count)s"
COUNT_TENANT = """\
-- acme_count: count the jobs of a tenant.
--
-- KEYS  1 acme-tenants
-- ARGV  1 tenant
-- Returns how many it has now.
--
-- Keeps: one write.
return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
"""


class AcmeSettings(Section):
    """What can be set under ``[acme]``.

    Attributes:
        tenant: Of jobs that name none.
        blocked: A tenant whose jobs are not enqueued.
    """

    tenant: str = "nobody"
    blocked: str = ""


def check_tenant(value: object) -> str:
    """The option's value for the payload."""
    if isinstance(value, str) and value:
        return value
    raise InvalidOption(f"tenant is {value!r}: expected the name of a tenant")


class Stamp(ClientMiddleware):
    """Every job has a tenant; those of a blocked one are stopped."""

    def __init__(self, app: App) -> None:
        self._app = app

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        settings: Any = self._app.settings
        tenant = request.record.setdefault("tenant", settings.acme.tenant)
        return None if tenant == settings.acme.blocked else next(request)


class Track(ServerMiddleware):
    """Notes which jobs ran, of both kinds."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def call(self, execution: Any, next: NextSync) -> Any:
        self.seen.append((execution.job.name, execution.record["tenant"]))
        return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        self.seen.append((execution.job.name, execution.record["tenant"]))
        return await next(execution)


class CountingFetcher:
    """Any fetcher, and how many jobs it has settled."""

    def __init__(self, inner: Fetcher) -> None:
        self._inner = inner
        self.settled = 0

    @property
    def owner(self) -> str:
        return self._inner.owner

    def open(self) -> None:
        self._inner.open()

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        units = self._inner.exchange(settled, want)
        self.settled += len(settled)
        return units

    def wait(self, timeout_s: float) -> bool:
        return self._inner.wait(timeout_s)

    def pass_on(self) -> None:
        self._inner.pass_on()

    def renew(self) -> bool:
        return self._inner.renew()

    def retire(self, back: Sequence[UnitOfWork], abandoned: Sequence[UnitOfWork]) -> None:
        self._inner.retire(back, abandoned)

    def close(self) -> None:
        self._inner.close()


class Census:
    """A service: it runs as long as its worker."""

    def __init__(self) -> None:
        self.running = threading.Event()
        self.stopped = threading.Event()

    def start(self) -> None:
        self.running.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        self.stopped.set()


class Counted:
    """Any authorizer, and what it was asked."""

    def __init__(self, inner: Any, heard: list[str]) -> None:
        self._inner, self._heard = inner, heard

    def judge(self, asker: Any, permission: str) -> Verdict:
        self._heard.append(f"{permission} {asker.path}")
        verdict: Verdict = self._inner.judge(asker, permission)
        return verdict


class AcmeEdition(Edition):
    """The table of contents: every registration it makes."""

    name: ClassVar[str] = "acme"

    def __init__(self) -> None:
        self.doors: list[str] = []
        self.track = Track()
        self.census = Census()
        self.fetchers: list[CountingFetcher] = []
        self.held: set[str] = set()
        self.heard: list[str] = []

    def install(self, app: App) -> None:
        self.doors.append("app")
        app.config_sections.add("acme", AcmeSettings, by=self.name)
        app.job_options.add("tenant", OptionSpec("tenant", self.name, check_tenant), by=self.name)
        app.scripts.add("acme_count", Script.of("acme_count", COUNT_TENANT), by=self.name)
        app.client_middleware.add("acme.stamp", Stamp(app), by=self.name)
        app.server_middleware.add("acme.track", self.track, by=self.name)

    def install_worker(self, worker: Any) -> None:
        self.doors.append("worker")
        inner = worker.fetcher.value

        def make_fetcher(worker: Any, plan: Any, owner: str) -> Fetcher:
            self.fetchers.append(CountingFetcher(inner(worker, plan, owner)))
            return self.fetchers[-1]

        worker.fetcher.fill(make_fetcher, by=self.name)
        worker.queue_filters.add("acme", lambda names: self.held, by=self.name)
        worker.services.add("acme census", self.census, by=self.name)
        worker.heartbeat_fields.add("acme_settled", lambda: sum(one.settled for one in self.fetchers), by=self.name)
        for event in ("startup", "beat", "quiet", "shutdown", "exit"):
            worker.app.events.on(event, lambda event=event: self.heard.append(event), by=self.name)
        worker.app.events.on("death", lambda record, error: self._count(worker.app, record), by=self.name)

    def install_web(self, web: Any) -> None:
        self.doors.append("web")
        web.assets.add("acme", Assets(ACME_PAGES), by=self.name)
        web.pages.add("acme.tenants", Page("/acme/tenants", self._tenants), by=self.name)
        web.pages.add("acme.block", Page("/acme/block", self._block, "POST", CHANGE, says=(BLOCKED,)), by=self.name)
        web.tabs.add("acme", Tab("Tenants", "/acme/tenants", count=lambda now: now.processes), by=self.name)
        web.locales.add("acme.de", Locale("de", {"Tenants": "Mandanten"}), by=self.name)
        web.locales.add("acme.pl", read_locale(ACME_PAGES / "locales/pl.po"), by=self.name)
        web.locales.add("acme.fi", Locale("fi", {"Tenants": "Vuokralaiset"}, name="Suomi"), by=self.name)
        web.job_rows.add("acme", lambda job: [("Tenant", job.record.get("tenant", "nobody"))], by=self.name)
        web.banners.add("acme", lambda: [Notice("Acme is <open>", "ok", "/acme/tenants")], by=self.name)
        inner = web.authorizer.value
        web.authorizer.fill(Counted(inner, self.heard), by=self.name)

    def _tenants(self, visit: Any) -> Any:
        return visit.page("acme/tenants.html", tenants=["ada", "<bob>"])

    def _block(self, visit: Any) -> Any:
        self.held.add(visit.sent("queue"))
        return visit.back(visit.url("/acme/tenants"), BLOCKED, 1)

    def install_cli(self, cli: Any) -> None:
        self.doors.append("cli")
        cli.commands.add("tenants", tenants, by=self.name)
        tenant = SettingOption(words=("--tenant",), setting="acme.tenant", help="Of jobs that name none.")
        cli.worker_options.add("tenant", tenant, by=self.name)
        inner = cli.process_runner.value

        def run(make_worker: Any) -> int:
            click.echo("acme runs this process")
            code: int = inner(make_worker)
            return code

        cli.process_runner.fill(run, by=self.name)

    def _count(self, app: App, record: dict[str, Any]) -> None:
        wire = app.connections.wire("acme", read_timeout_s=5.0)
        wire.run(app.scripts["acme_count"], [f"{app.keys.prefix}acme-tenants"], [record["tenant"]])
        wire.close()


@click.command(short_help="Lists tenants.")
@click.argument("name")
def tenants(name: str) -> None:
    """A command of its own."""
    click.echo(f"tenant {name}")
