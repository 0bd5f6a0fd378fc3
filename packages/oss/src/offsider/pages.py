"""The way from an app to its web pages, which are made where they are asked for, and imported nowhere else."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .web.doorkeeper import Auth
    from .web.site import Site


class Pages:
    """What `App` inherits."""

    def web(self, *, auth: Auth = None, title: str | None = None, back: str = "") -> Site:
        """The web pages as an ASGI application: mount it, or serve it.

        Args:
            auth: Who may come in: ``(user, password)``; a function of an `offsider.contract.web.Asker` and ``"read"``
                or ``"change"``; ``"host"`` when the application around the pages lets in only whom it should. None for
                the settings' password, and without one for this machine alone.
            title: Beside the name, e.g. ``"staging"``; the setting ``web.title`` when None.
            back: The address of the application around the pages, for a link.

        Raises:
            ConfigError: ``auth`` cannot be.
            ImportError: The extra ``web`` is not installed.

        Example:
            >>> from starlette.applications import Starlette
            >>> from starlette.routing import Mount
            >>> from offsider import App
            >>> app = App("redis://localhost:6379/0", editions=[])
            >>> site = Starlette(routes=[Mount("/jobs", app.web(auth=("ada", "a long password")))])
        """
        # The pages stand above this floor, so they are found by name, and only when they are asked for.
        pages: Site = import_module(f"{__package__}.web.app").web(self, auth=auth, title=title, back=back)
        return pages
