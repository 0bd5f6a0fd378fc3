"""Makes the pages of an app: what ``app.web()`` and ``offsider web`` call."""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    import jinja2  # noqa: F401 - so that one message names the extra
    import starlette  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"the web pages need packages that are not here ({error}): pip install 'offsider[web]'"
    ) from error

from .doorkeeper import Auth, authorizer
from .site import Site

if TYPE_CHECKING:
    from ..app import App


def web(app: App, *, auth: Auth = None, title: str | None = None, back: str = "") -> Site:
    """The pages as an ASGI application.

    Args:
        app: Whose jobs.
        auth: Who may come in, see `offsider.web.doorkeeper.authorizer`.
        title: Beside the name; the setting ``web.title`` when None.
        back: The address of the application around the pages.

    Raises:
        ConfigError: ``auth`` cannot be.
    """
    settings = app.settings.web
    door = authorizer(auth, settings.user, settings.password)
    return Site(app, authorizer=door, title=settings.title if title is None else title, back=back)
