"""What an edition's `install_web` gets: the seams of the pages. The built-in pages register here, and first."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.seams import Registry, Slot
from ..contract.web import Asker, Assets, Authorizer, Banner, JobRows, Locale, Notice, Page, Server, Source, Tab
from .catalogue import locales
from .checkup import Checkup
from .doorkeeper import Loopback
from .kept import Kept
from .pages import PAGES
from .servers import add_own, chosen
from .tabs import TABS

if TYPE_CHECKING:
    from ..app import App
    from ..metrics.series import Top
    from .failures import Failures

HERE = Path(__file__).parent


class Web:
    """The pages of one app, as they are put together.

    Attributes:
        pages: name → `Page`.
        tabs: name → `Tab`, in the order of the navigation.
        locales: name → `Locale`.
        assets: name → `Assets`.
        job_rows: name → further rows of a job's page.
        banners: name → what is to be said on every page.
        authorizer: Who may read and change.
        servers: name → an app or a shard that can be chosen; the app itself has an empty name.
        source: Whose jobs are shown: by itself, those of the chosen server.
    """

    def __init__(self, app: App, *, authorizer: Authorizer | None = None) -> None:
        self.app = app
        self.pages: Registry[Page] = Registry("pages")
        self.tabs: Registry[Tab] = Registry("tabs")
        self.locales: Registry[Locale] = Registry("locales")
        self.assets: Registry[Assets] = Registry("assets")
        self.job_rows: Registry[JobRows] = Registry("job_rows")
        self.banners: Registry[Banner] = Registry("banners")
        self.authorizer: Slot[Authorizer] = Slot("authorizer", default=authorizer or Loopback(), default_by="offsider")
        self.servers: Registry[Server] = Registry("servers")
        self.source: Slot[Source] = Slot("source", default=self._chosen, default_by="offsider")
        self.checkup = Checkup(app)
        self._checkups: dict[Any, Checkup] = {app: self.checkup}
        self.failures: Kept[Failures] = Kept(15.0)
        self.tops: Kept[Top] = Kept(30.0)
        self._install()

    def _install(self) -> None:
        """The core registers as an edition does, and first."""
        for name, page in PAGES.items():
            self.pages.add(name, page, by="offsider")
        for name, tab in TABS.items():
            self.tabs.add(name, tab, by="offsider")
        for locale in locales():
            self.locales.add(locale.language, locale, by="offsider")
        self.assets.add("offsider", Assets(HERE), by="offsider")
        self.job_rows.add("context", carried, by="offsider")
        self.banners.add("doctor", self._doctor, by="offsider")
        add_own(self.servers, self.app)
        for edition in self.app.editions:
            edition.install_web(self)
        for seam in (self.pages, self.tabs, self.locales, self.assets, self.job_rows, self.banners, self.servers):
            seam.close()
        self.authorizer.close()
        self.source.close()

    def checkup_of(self, app: Any) -> Checkup:
        """What the doctor has found at an app or a shard."""
        return self._checkups.setdefault(app, Checkup(app))

    def _chosen(self, asker: Asker) -> Any:
        return chosen(self.servers, asker)

    def _doctor(self) -> Iterable[Notice]:
        """The worst that the doctor has found at each server that was looked at; its page there has the rest."""
        several = len(dict(self.servers.items())) > 1
        for app, checkup in self._checkups.copy().items():
            serious = checkup.serious()
            if serious:
                whose = f"{app.settings.namespace}: " if several else ""
                more = f" (+{len(serious) - 1})" if len(serious) > 1 else ""
                yield Notice(f"{whose}{serious[0].value}{more}", serious[0].level, "" if several else "/doctor")


def carried(job: Any) -> Iterable[tuple[str, str]]:
    """The context that travels with a job."""
    context = job.record.get("context")
    return [(f"context.{name}", str(value)) for name, value in context.items()] if isinstance(context, dict) else []
