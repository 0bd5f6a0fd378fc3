"""What an edition is: one class, four doors. Each door is called by the room it opens, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from . import VERSION

if TYPE_CHECKING:
    from ..app import App
    from ..worker.worker import Worker


class Edition:
    """The base of every edition; all doors are empty.

    Attributes:
        name: Its name, e.g. in ``OFFSIDER_EDITIONS``.
        contract: The version of the contract it was built for.
        needs: Names of editions that must be installed before it.
    """

    name: ClassVar[str] = ""
    contract: ClassVar[int] = VERSION
    needs: ClassVar[tuple[str, ...]] = ()

    def install(self, app: App) -> None:
        """In every process: config section, job options, client middleware, scripts."""

    def install_worker(self, worker: Worker) -> None:
        """In a worker: fetcher, server middleware, services, heartbeat fields, lifecycle events."""

    def install_web(self, web: Any) -> None:
        """In a web process: pages, tabs, locales."""

    def install_cli(self, cli: Any) -> None:
        """On the command line: commands."""
